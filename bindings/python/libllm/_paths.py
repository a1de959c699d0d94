"""Paths of files, and what is raised where one cannot be opened."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from libllm.errors import FormatError, MissingFile, ModelFormatError, NotFound


def expanded(path: str | bytes | os.PathLike[Any]) -> str | bytes:
    """As text or bytes, with the user's folder for a leading "~"."""
    found = os.path.expanduser(os.fspath(path))
    if b"\0" in os.fsencode(found):
        raise ValueError(f"the path {found!r:.80} has a NUL character inside")
    return found


@contextmanager
def opening(path: str | bytes) -> Iterator[None]:
    """A call that opens a model's file: its errors by kind."""
    try:
        yield
    except FormatError as error:
        raise error.as_kind(ModelFormatError) from None
    except NotFound as error:
        if os.path.lexists(path):
            raise  # something in it, or named beside it, is missing
        missing = error.as_kind(MissingFile)
        missing.errno, missing.filename = errno.ENOENT, os.fsdecode(path)
        raise missing from None
