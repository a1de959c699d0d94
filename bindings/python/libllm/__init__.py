"""Run language models inside any program.

import libllm
with libllm.Model("model.gguf") as model:
    print(model.generate("Once upon a time", max_tokens=64).text)
"""

from typing import TYPE_CHECKING, NoReturn

from libllm import _peers, errors
from libllm.errors import (
    ArgumentError,
    Busy,
    Cancelled,
    DeviceError,
    FileError,
    FormatError,
    LimitReached,
    LlmError,
    MissingFile,
    ModelFormatError,
    NotFound,
    NumericError,
    OptionError,
    OutOfMemory,
    StateError,
    Unsupported,
)
from libllm.grammar import Grammar
from libllm.model import Model, quantize
from libllm.native import llm_version_text as _version_text
from libllm.prompt import Answer, Filled, Prompt, Shot, Vote, extract, normalize
from libllm.result import Completion, Event, Result
from libllm.runtime import Backend, Runtime, backends
from libllm.sequence import Sequence
from libllm.stream import AsyncStream, Stream
from libllm.template import Origin, Rendering, Template
from libllm.token_ids import TokenIds
from libllm.tokenizer import Decoder, Tokenizer

__version__ = _version_text()
__all__ = [
    "Answer",
    "ArgumentError",
    "AsyncStream",
    "Backend",
    "Busy",
    "Cancelled",
    "Completion",
    "Decoder",
    "DeviceError",
    "Event",
    "FileError",
    "Filled",
    "FormatError",
    "Grammar",
    "LimitReached",
    "LlmError",
    "MissingFile",
    "Model",
    "ModelFormatError",
    "NotFound",
    "NumericError",
    "OptionError",
    "Origin",
    "OutOfMemory",
    "Prompt",
    "Rendering",
    "Result",
    "Runtime",
    "Sequence",
    "Shot",
    "StateError",
    "Stream",
    "Template",
    "TokenIds",
    "Tokenizer",
    "Unsupported",
    "Vote",
    "backends",
    "errors",
    "extract",
    "normalize",
    "quantize",
]

if not TYPE_CHECKING:  # which would take any name then

    def __getattr__(name: str) -> NoReturn:
        import sys

        raise _peers.missing(sys.modules[__name__], "libllm", name)
