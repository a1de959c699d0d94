"""What libllm raises: one class for each kind of status, all of them LlmError."""

from __future__ import annotations

import logging
from typing import TypeVar

E = TypeVar("E", bound="LlmError")
logger = logging.getLogger("libllm")


class LlmError(Exception):
    """A call of libllm failed: the text says what was found and what was expected. `status` is the negative code,
    `name` how the headers call it, `code` how OpenAI's API does, where that has a name for it."""

    status: int = 0
    name: str = ""
    code: str | None = None

    def __str__(self) -> str:  # an OSError would show its number instead
        return str(self.args[0]) if len(self.args) == 1 else super().__str__()

    def as_kind(self, kind: type[E]) -> E:
        """The same as another class."""
        error = kind(*self.args)
        error.status, error.name = self.status, self.name
        return error


class ArgumentError(LlmError, ValueError):
    """An argument or option is outside its range."""


class OptionError(ArgumentError):
    """No such option (the text names the nearest one), or a value outside its range."""


class OutOfMemory(LlmError, MemoryError):
    """An allocation failed; everything is as before the call."""


class FileError(LlmError, OSError):
    """The system refused to open, read, map or write a file."""


class FormatError(LlmError, ValueError):
    """A file or text is malformed, or contradicts itself."""


class ModelFormatError(FormatError):
    """A model's file is malformed, or contradicts itself."""


class Unsupported(LlmError):
    """Well-formed, but this build cannot do it."""


class NotFound(LlmError, LookupError):
    """No such file, key, tensor, token, option or back end."""


class MissingFile(NotFound, FileNotFoundError):
    """No such file or folder."""


class LimitReached(LlmError):
    """A stated limit (budget, depth, size) was reached."""


class StateError(LlmError):
    """The object is not in a state that allows the call: closed, or made before fork()."""


class Busy(LlmError):
    """Another thread is inside a call on the same object."""


class Cancelled(LlmError):
    """The caller cancelled."""


class NumericError(LlmError, ArithmeticError):
    """A computed value is not finite."""


class DeviceError(LlmError):
    """A back end failed or is unusable."""


_BY_NAME: dict[str, type[LlmError]] = {
    "LLM_E_ARGUMENT": ArgumentError,
    "LLM_E_MEMORY": OutOfMemory,
    "LLM_E_IO": FileError,
    "LLM_E_FORMAT": FormatError,
    "LLM_E_UNSUPPORTED": Unsupported,
    "LLM_E_NOT_FOUND": NotFound,
    "LLM_E_LIMIT": LimitReached,
    "LLM_E_STATE": StateError,
    "LLM_E_BUSY": Busy,
    "LLM_E_CANCELLED": Cancelled,
    "LLM_E_CALLBACK": Cancelled,
    "LLM_E_NUMERIC": NumericError,
    "LLM_E_DEVICE": DeviceError,
}


def of_status(status: int, name: str, meaning: str, text: str) -> LlmError:
    """The exception for a status; the wrapper calls this."""
    error = _BY_NAME.get(name, LlmError)(text or meaning)
    error.status = status
    error.name = name
    if "engine option n_ctx" in text:
        error.code = "context_length_exceeded"
    return error


# By the library's levels, 0 to 4.
LEVELS = (logging.CRITICAL + 1, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


def wanted_level() -> int:
    """The most talkative of the library's levels that the logger lets through."""
    return sum(logger.isEnabledFor(level) for level in LEVELS[1:])


def log(level: int, text: str) -> None:
    """Takes a line of the library's log; the wrapper calls this."""
    logger.log(LEVELS[level], "%s", text)
