"""Completions as they are written. A thread of its own computes ahead of who reads."""

from __future__ import annotations

import _thread
import asyncio
import queue
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from libllm import native as _native
from libllm._handle import Handle
from libllm._run import LOOK, Turns
from libllm.result import Event, Result

# What a stream hands from thread to thread: an event, None at the end, or what went wrong.
_Item = Event | BaseException | None


def _take(request: Any, with_logprobs: bool, found: list[Event]) -> bool:
    """Moves the events that wait into found; whether there is one, or none will come."""
    finished = bool(_native.llm_request_done(request))
    while (event := _native.llm_request_next(request)) is not None:
        index, token, text, finish, n_tokens = event
        beside = _native.request_logprob(request, index, n_tokens - 1) if with_logprobs and token >= 0 else ()
        found.append(Event(index, token, text, _native.llm_finish_name(finish), n_tokens, *beside))
    return finished or bool(found)


def _pump(turns: Turns, engine: Any, request: Any, with_logprobs: bool, deliver: Callable[[_Item], Any]) -> None:
    try:
        while True:
            found: list[Event] = []
            turns.step_until(engine, lambda: bool(found) or _take(request, with_logprobs, found))
            if not found:
                break
            for event in found:
                deliver(event)
        _native.llm_request_status(request)
        deliver(None)
    except BaseException as error:
        deliver(error)


class _Stream(Handle):
    _items: queue.SimpleQueue[_Item] | asyncio.Queue[_Item]

    def __init__(self, request: Any, engine: Any, turns: Turns, n: int = 1, with_logprobs: bool = False):
        super().__init__(request, engine)
        self._turns = turns
        self._n = n
        self._with_logprobs = with_logprobs
        self._state = "new"
        self._end = weakref.finalize(self, _native.llm_request_cancel, request)
        self._end.atexit = False

    def _check_one(self) -> None:
        if self._n > 1:
            raise ValueError(f"n is {self._n}: pieces do not say of which completion they are, read events() instead")

    def _start(self, deliver: Callable[[_Item], Any]) -> None:
        if self._state == "new":
            given = self._turns, self._raw_at(1), self._raw, self._with_logprobs, deliver
            _thread.start_new_thread(_pump, given)
            self._state = "running"

    def _event_of(self, item: _Item) -> Event | None:
        if not isinstance(item, Event):
            self._state = "over"
            self._items.put_nowait(item)  # others may wait for it too
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        """Cancels it if it still runs, and frees it."""
        self._end()
        super().close()

    def _forget(self) -> None:
        self._end.detach()
        super()._forget()

    def cancel(self) -> None:
        """Asks for an early end; what is written by then still comes."""
        _native.llm_request_cancel(self._raw)

    @property
    def result(self) -> Result:
        """The whole, once it has ended."""
        _native.llm_request_status(self._raw)
        return Result(_native.llm_request_result(self._raw))


class Stream(_Stream):
    """Iterates over pieces of text, each of whole characters. Closing or dropping it early cancels the request."""

    def __init__(self, request: Any, engine: Any, turns: Turns, n: int = 1, with_logprobs: bool = False):
        super().__init__(request, engine, turns, n, with_logprobs)
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()

    def _take_item(self) -> _Item:
        while True:
            try:
                return self._items.get(timeout=LOOK)
            except queue.Empty:
                pass

    def _next_event(self) -> Event | None:
        request = self._raw
        if self._state == "over":
            return None
        self._start(self._items.put)
        try:
            return self._event_of(self._take_item())
        except KeyboardInterrupt:
            _native.llm_request_cancel(request)
            raise

    def events(self) -> Iterator[Event]:
        """The same as events: each token, of each completion, and the ends."""
        while (event := self._next_event()) is not None:
            yield event

    def __iter__(self) -> Iterator[str]:
        self._check_one()
        return self

    def __next__(self) -> str:
        while (event := self._next_event()) is not None:
            if event.text:
                return event.text
        raise StopIteration


class AsyncStream(_Stream):
    """The same for `async for`; cancelling the task cancels the request."""

    def __init__(self, request: Any, engine: Any, turns: Turns, n: int = 1, with_logprobs: bool = False):
        super().__init__(request, engine, turns, n, with_logprobs)
        self._items: asyncio.Queue[_Item] = asyncio.Queue()

    async def _next_event(self) -> Event | None:
        request, loop, items = self._raw, asyncio.get_running_loop(), self._items

        def deliver(item: _Item) -> None:
            try:
                loop.call_soon_threadsafe(items.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody reads any more
                _native.llm_request_cancel(request)

        if self._state == "over":
            return None
        self._start(deliver)
        try:
            return self._event_of(await items.get())
        except asyncio.CancelledError:
            _native.llm_request_cancel(request)
            raise

    async def events(self) -> AsyncIterator[Event]:
        """The same as events."""
        while (event := await self._next_event()) is not None:
            yield event

    def __aiter__(self) -> AsyncIterator[str]:
        self._check_one()
        return self

    async def __anext__(self) -> str:
        while (event := await self._next_event()) is not None:
            if event.text:
                return event.text
        raise StopAsyncIteration

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *unused: Any) -> None:
        self.close()
