"""What every object of the library has in Python: an end, no copies, and no life after fork()."""

from __future__ import annotations

import os
import weakref
from types import SimpleNamespace
from typing import Any

from libllm.errors import StateError

_live: weakref.WeakSet[Handle] = weakref.WeakSet()


class Handle:
    """Owns one object of the library, until close(). It is freed when the last call that uses it has returned."""

    def __init__(self, raw: Any):
        self._raw_or_none = raw
        self._gone = "is closed"
        _live.add(self)

    @property
    def _raw(self) -> Any:
        raw = self.__dict__.get("_raw_or_none")
        if raw is None:
            raise StateError(f"{type(self).__name__} {self.__dict__.get('_gone', 'was never made')}")
        return raw

    def close(self) -> None:
        """Frees it; using it afterwards is a StateError. May be called again."""
        self._raw_or_none = None

    def _forget(self) -> None:
        raw = self.__dict__.get("_raw_or_none")
        if raw is not None:
            raw.thisown = False  # its threads and locks are the parent's
            self._raw_or_none = None
            self._gone = "was made before fork(): make it in the process that uses it"

    def __enter__(self):
        self._raw
        return self

    def __exit__(self, *unused) -> None:
        self.close()

    def __reduce_ex__(self, protocol):
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied: it holds memory of this process; make it where it is used"
        )


def _after_fork() -> None:
    for handle in list(_live):
        handle._forget()


os.register_at_fork(after_in_child=_after_fork)


def snapshot(structure: Any) -> SimpleNamespace:
    """The members of a structure of the library as Python values."""
    members = [name for name, value in vars(type(structure)).items() if isinstance(value, property) and name != "thisown"]
    return SimpleNamespace(**{name: getattr(structure, name) for name in members})
