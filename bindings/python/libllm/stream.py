"""Completions as they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from libllm import native as _native
from libllm._handle import Handle
from libllm._run import Turns, in_thread, interruptible
from libllm.result import Event, Result


class _Stream(Handle):
    def __init__(self, request: Any, engine: Any, turns: Turns):
        super().__init__(request, engine)
        self._turns = turns

    def _find_event(self, found: list[Event]) -> bool:
        """Puts the next event into found, if it has none yet; whether it has one, or none will come."""
        if found:
            return True
        request = self._raw
        finished = _native.llm_request_done(request)
        event = _native.llm_request_next(request)
        if event is not None:
            index, token, text, finish, n_tokens = event
            found.append(Event(index, token, text, _native.llm_finish_name(finish), n_tokens))
        return event is not None or bool(finished)

    def _compute_event(self, found: list[Event]) -> None:
        self._turns.step_until(self._raw_at(1), lambda: self._find_event(found))

    def _event_of(self, found: list[Event]) -> Event | None:
        if not found:
            _native.llm_request_status(self._raw)
        return found[0] if found else None

    def cancel(self) -> None:
        """Asks for an early end; what is written by then still comes."""
        _native.llm_request_cancel(self._raw)

    @property
    def result(self) -> Result:
        """The whole, once it has ended."""
        _native.llm_request_status(self._raw)
        return Result(_native.llm_request_result(self._raw))


class Stream(_Stream):
    """Iterates over pieces of text, each of whole characters. Closing it early cancels the request."""

    def _next_event(self) -> Event | None:
        found: list[Event] = []
        if not self._find_event(found):
            interruptible(lambda: self._compute_event(found), self.cancel)
        return self._event_of(found)

    def events(self) -> Iterator[Event]:
        """The same as events: each token, of each completion, and the ends."""
        while (event := self._next_event()) is not None:
            yield event

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while (event := self._next_event()) is not None:
            if event.text:
                return event.text
        raise StopIteration


class AsyncStream(_Stream):
    """The same for `async for`; cancelling the task cancels the request."""

    async def _next_event(self) -> Event | None:
        found: list[Event] = []
        if not self._find_event(found):
            await in_thread(lambda: self._compute_event(found), self.cancel)
        return self._event_of(found)

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._next_event()) is not None:
            yield event

    def __aiter__(self) -> AsyncIterator[str]:
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
