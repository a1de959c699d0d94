"""Run language models inside any program.

    import libllm
    with libllm.Model("model.gguf") as model:
        print(model.generate("Once upon a time", max_tokens=64).text)
"""

from libllm.native import llm_version_text as _version_text
from libllm.errors import *  # noqa: F403
from libllm.model import Model
from libllm.result import Completion, Event, Result
from libllm.stream import Stream

__version__ = _version_text()
