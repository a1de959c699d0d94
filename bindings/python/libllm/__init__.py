"""Run language models inside any program.

    import libllm
    with libllm.Model("model.gguf") as model:
        print(model.generate("Once upon a time", max_tokens=64).text)
"""

from libllm import errors
from libllm.errors import *  # noqa: F403
from libllm.grammar import Grammar
from libllm.model import Model, quantize
from libllm.native import llm_version_text as _version_text
from libllm.prompt import Answer, Filled, Prompt, Shot, Vote, extract, normalize
from libllm.result import Completion, Event, Result
from libllm.runtime import Backend, Runtime, backends
from libllm.sequence import Sequence
from libllm.stream import AsyncStream, Stream
from libllm.template import Origin, Rendering, Template
from libllm.tokenizer import Decoder, Tokenizer

__version__ = _version_text()
__all__ = [
    *errors.__all__,
    *"Model Runtime Tokenizer Decoder Template Rendering Origin Grammar Prompt Filled Shot Answer Vote".split(),
    *"Result Completion Event Stream AsyncStream Sequence Backend".split(),
    *"backends extract normalize quantize".split(),
]
