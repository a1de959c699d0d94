"""What every object of the library has in Python: an end, no copies, and no life after fork()."""

from __future__ import annotations

import dataclasses
import os
import weakref
from typing import Any, NoReturn, TypeVar

from libllm.errors import StateError

_live: weakref.WeakSet[Handle] = weakref.WeakSet()
Self = TypeVar("Self", bound="Handle")
T = TypeVar("T")


class Uncopied:
    """What cannot leave the process."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied, since it holds memory of this process: take what it "
            "says (text, ids.tolist()), or make it in the process that uses it"
        )


class Handle(Uncopied):
    """Owns objects of the library, until close(). They are freed when the last call that uses them has returned."""

    _held: tuple[Any, ...] = ()
    _gone = "was never made"

    def __init__(self, *raws: Any):
        self._held = raws
        _live.add(self)

    @property
    def _raw(self) -> Any:
        return self._raw_at(0)

    def _raw_at(self, index: int) -> Any:
        held = self._held
        if not held:
            raise StateError(f"the {type(self).__name__} {self._gone}")
        return held[index]

    def close(self) -> None:
        """Frees it; using it afterwards is a StateError. May be called again."""
        if self._held:
            self._gone = "is closed"
        self._held = ()

    @property
    def closed(self) -> bool:
        return not self._held

    def _forget(self) -> None:
        """In the child of a fork(): threads and locks of the objects are the parent's, so they are not freed here."""
        for raw in self._held:
            if raw is not None:
                raw.thisown = False
        if self._held:
            self._gone = "was made before fork(): make it in the process that uses it"
        self._held = ()

    def __enter__(self: Self) -> Self:
        self._raw_at(0)
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()


def _after_fork() -> None:
    for handle in list(_live):
        handle._forget()


os.register_at_fork(after_in_child=_after_fork)


def snapshot(structure: Any, kind: type[T], **changed: Any) -> T:
    """The members of a structure of the library as one of libllm.records, which outlives what it was asked of."""
    names = (field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
    return kind(**{name: changed[name] if name in changed else getattr(structure, name) for name in names})
