"""Completions as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from libllm import native as _native
from libllm._handle import Handle
from libllm._run import Turns, interruptible
from libllm.result import Event, Result


class Stream(Handle):
    """Iterates over pieces of text, each of whole characters. Closing it early cancels the request."""

    def __init__(self, request: Any, engine: Any, turns: Turns):
        super().__init__(request)
        self._engine = engine
        self._turns = turns

    def _next_event(self) -> Event | None:
        """The next event, computed here if need be; None at the end."""
        request = self._raw
        found: list[tuple] = []

        def ready() -> bool:
            finished = _native.llm_request_done(request)
            event = _native.llm_request_next(request)
            if event is not None:
                found.append(event)
            return event is not None or bool(finished)

        if not ready():
            interruptible(lambda: self._turns.step_until(self._engine, ready), self.cancel)
        if not found:
            _native.llm_request_status(request)
            return None
        index, token, text, finish, n_tokens = found[0]
        return Event(index, token, text, _native.llm_finish_name(finish), n_tokens)

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

    def cancel(self) -> None:
        """Asks for an early end; what is written by then still comes."""
        _native.llm_request_cancel(self._raw)

    @property
    def result(self) -> Result:
        """The whole, once it has ended."""
        _native.llm_request_status(self._raw)
        return Result(_native.llm_request_result(self._raw))
