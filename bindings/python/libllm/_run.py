"""Long calls: Ctrl-C ends them at once, and threads that share an engine take turns."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from libllm import native as _native

T = TypeVar("T")


def interruptible(call: Callable[[], T], cancel: Callable[[], None]) -> T:
    """call(), so that a signal whose handler raises (Ctrl-C) is answered while it computes: then cancel() is called, and
    the exception goes on when call() has ended. Python runs handlers in the main thread only, between two instructions;
    so there the call goes to a thread of its own, and this one waits for it."""
    if threading.current_thread() is not threading.main_thread():
        return call()
    outcome: list[tuple[Any, BaseException | None]] = []
    running = _thread.allocate_lock()
    running.acquire()

    def work() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:
            outcome.append((None, error))
        finally:
            running.release()

    try:
        _thread.start_new_thread(work, ())
        running.acquire()
    except BaseException:
        cancel()
        running.acquire()
        raise
    value, error = outcome.pop()
    if error is not None:
        raise error
    return value


class Turns:
    """One thread at a time steps an engine. What one of them computes advances the requests of all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_waiting = 0

    def step_until(self, engine: Any, done: Callable[[], Any]) -> None:
        """Steps, or lets another thread step, until done()."""
        while not done():
            if self._n_waiting:
                time.sleep(0.001)
            if self._lock.acquire(timeout=0.01):
                try:
                    if not done():
                        _native.llm_engine_step(engine)
                finally:
                    self._lock.release()

    def alone(self, call: Callable[[], T]) -> T:
        """call() while nobody steps."""
        self._n_waiting += 1
        try:
            self._lock.acquire()
        finally:
            self._n_waiting -= 1
        try:
            return call()
        finally:
            self._lock.release()
