"""Long calls: Ctrl-C ends them at once, and threads that share an engine take turns."""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from libllm import native as _native
from libllm.errors import Cancelled

T = TypeVar("T")
LOOK = 0.05  # seconds after which who waits looks for signals
_AGAIN = 0.02  # seconds after which a call that was cancelled is told so again


def interruptible(call: Callable[[], T], cancel: Callable[[], None], wait: bool = True) -> T:
    """call(), so that a signal whose handler raises (Ctrl-C) is answered while it computes: then cancel() is called,
    and the exception goes on when call() has ended; at once without wait, for a call that nobody else is touched by
    and whose result may be dropped. Python runs handlers in the main thread only, between two instructions; so there
    the call goes to a thread of its own, and this one waits for it."""
    if threading.current_thread() is not threading.main_thread() or sys.is_finalizing():
        return call()
    outcome: list[T] = []
    failure: list[BaseException] = []
    running = _thread.allocate_lock()
    running.acquire()

    def work() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)
        finally:
            running.release()

    here = False
    try:
        try:
            _thread.start_new_thread(work, ())
        except RuntimeError:  # no thread is to be had: then here, and Ctrl-C waits for the end
            here = True
        # With a timeout, since a signal that comes just before the wait does not end it.
        while not here and not running.acquire(timeout=LOOK):
            pass
    except BaseException:
        cancel()
        while wait and not (here or outcome or failure or running.acquire(timeout=_AGAIN)):  # it may just have ended
            cancel()
        raise
    if here:
        return call()
    if failure:
        raise failure.pop()
    return outcome.pop()


class Turns:
    """One thread at a time steps an engine. What one of them computes advances the requests of all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_waiting = 0
        self._tasks: dict[asyncio.Future[None], Callable[[], Any]] = {}
        self._tasks_lock = threading.Lock()
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

    async def wait_until(self, engine: Any, done: Callable[[], Any], cancel: Callable[[], None]) -> None:
        """step_until() for a task of asyncio; one thread steps for all. Cancelling the task calls cancel()."""
        future = asyncio.get_running_loop().create_future()
        with self._tasks_lock:
            if not self._tasks:
                _thread.start_new_thread(self._step_for_tasks, (engine,))
            self._tasks[future] = done
        try:
            await future
        except asyncio.CancelledError:
            cancel()
            raise

    def _step_for_tasks(self, engine: Any) -> None:
        ended: list[asyncio.Future[None]] = []

        def some_ended() -> bool:
            with self._tasks_lock:
                ended[:] = [future for future, done in self._tasks.items() if future.cancelled() or done()]
            return bool(ended)

        more = True
        while more:
            failure: BaseException | None = None
            try:
                self.step_until(engine, some_ended)
            except BaseException as error:
                failure = error
            with self._tasks_lock:
                for future in list(self._tasks) if failure else ended:
                    del self._tasks[future]
                    _settle(future, failure)
                more = bool(self._tasks)

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


def _settle(future: asyncio.Future[None], failure: BaseException | None) -> None:
    """Ends what a task waits for, from another thread."""

    def settle() -> None:
        if future.done():
            return
        future.set_exception(failure) if failure else future.set_result(None)

    try:
        future.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed: nobody waits any more
        pass
