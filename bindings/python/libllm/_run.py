"""Long calls: Ctrl-C ends them at once, and threads that share an engine take turns."""

from __future__ import annotations

import _thread
import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from libllm import native as _native
from libllm.errors import Cancelled

T = TypeVar("T")
_AGAIN = 0.02  # seconds after which a call that was cancelled is told so again


def interruptible(call: Callable[[], T], cancel: Callable[[], None]) -> T:
    """call(), so that a signal whose handler raises (Ctrl-C) is answered while it computes: then cancel() is called,
    and the exception goes on when call() has ended. Python runs handlers in the main thread only, between two
    instructions; so there the call goes to a thread of its own, and this one waits for it."""
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
        while not running.acquire(timeout=_AGAIN):
            cancel()
        raise
    value, error = outcome.pop()
    if error is not None:
        raise error
    return value


async def in_thread(call: Callable[[], T], cancel: Callable[[], None]) -> T:
    """The same for a task of asyncio: the call runs in a thread, and cancelling the task cancels the call."""
    future = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            cancel()
            await asyncio.wait([future], timeout=_AGAIN)
        future.exception()
        raise


class Turns:
    """One thread at a time steps an engine. What one of them computes advances the requests of all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_waiting = 0
        self.n_active = 0  # requests not finished after the last step

    def step_until(self, engine: Any, done: Callable[[], Any]) -> None:
        """Steps, or lets another thread step, until done()."""
        while not done():
            if self._n_waiting:
                time.sleep(0.001)
            if self._lock.acquire(timeout=0.01):
                try:
                    if not done():
                        self._step(engine)
                finally:
                    self._lock.release()

    def _step(self, engine: Any) -> None:
        try:
            self.n_active = _native.llm_engine_step(engine)
        except Cancelled:  # meant for a call that has just returned in another thread; nothing is lost
            pass

    def alone(self, engine: Any, call: Callable[[], T]) -> T:
        """A call that steps by itself, once nobody else does; Ctrl-C cancels it."""
        stopped = threading.Event()

        def wait_and_call() -> T:
            self._n_waiting += 1
            try:
                while not self._lock.acquire(timeout=0.01):
                    if stopped.is_set():
                        raise KeyboardInterrupt
            finally:
                self._n_waiting -= 1
            try:
                return call()
            finally:
                self._lock.release()

        def cancel() -> None:
            stopped.set()
            _native.llm_engine_cancel(engine)

        return interruptible(wait_and_call, cancel)
