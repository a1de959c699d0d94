"""Text to token ids and back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from libllm import native as _native
from libllm._arguments import Ids, Path, Text, checked
from libllm._handle import Handle, snapshot
from libllm._paths import expanded, opening
from libllm._peers import missing
from libllm.records import TokenInfo
from libllm.runtime import Runtime, default
from libllm.token_ids import TokenIds

ROLES = ("bos", "eos", "eot", "unk", "pad", "sep", "cls", "mask")


def _decode_flags(skip_special: bool, keep_prefix: bool) -> int:
    return (_native.LLM_DECODE_SKIP_SPECIAL if skip_special else 0) | (
        _native.LLM_DECODE_KEEP_PREFIX if keep_prefix else 0
    )


@checked
class Tokenizer(Handle):
    """A tokenizer alone: of a tokenizer.json, a folder that holds one, or a GGUF file. A model's own is
    model.tokenizer. Any thread may use it at any time."""

    def __init__(self, path: Path, *, runtime: Runtime | None = None):
        name = expanded(path)
        with opening(name):
            raw = _native.llm_tokenizer_load((runtime or default())._raw, os.fsencode(name))
        super().__init__(raw)

    @classmethod
    def from_pretrained(cls, path: Path, **options: Any) -> Self:
        """Tokenizer(path), as transformers spells it. path is on this machine: nothing is downloaded."""
        return cls(path, **options)

    @classmethod
    def _of(cls, raw: Any) -> Tokenizer:
        tokenizer = cls.__new__(cls)
        Handle.__init__(tokenizer, raw)
        return tokenizer

    def encode(self, text: Text, *, add_special: bool = True, parse_special: bool = False) -> TokenIds:
        """Ids of a text, int32 [n]. parse_special: text that spells a special token becomes it (trusted text only)."""
        flags = (_native.LLM_ENCODE_ADD_SPECIAL if add_special else 0) | (
            _native.LLM_ENCODE_PARSE_SPECIAL if parse_special else 0
        )
        return _native.llm_tokenizer_encode(self._raw, text, flags)

    def decode(self, ids: Ids, *, skip_special: bool = False, keep_prefix: bool = False) -> str:
        """The text of ids; bytes that do not form UTF-8 come out as U+FFFD."""
        return _native.llm_tokenizer_decode(self._raw, ids, _decode_flags(skip_special, keep_prefix))

    def __len__(self) -> int:
        return _native.llm_tokenizer_size(self._raw)

    @property
    def kind(self) -> str:
        """ "bpe", "spm", "unigram" or "wordpiece"."""
        return _native.llm_tokenizer_kind(self._raw)

    def special(self, role: str) -> int | None:
        """The id that has a role ("bos", "eos", "eot", "unk", "pad", "sep", "cls", "mask"); None if none has."""
        if role not in ROLES:
            raise ValueError(f"role is one of {', '.join(ROLES)}, not {role!r}")
        token = _native.llm_tokenizer_special(self._raw, ROLES.index(role))
        return None if token == _native.LLM_TOKEN_NONE else token

    def is_end(self, token: int) -> bool:
        """Whether the id ends a generation."""
        return bool(_native.llm_tokenizer_is_eog(self._raw, token))

    def find(self, text: Text) -> int | None:
        """The id that is spelled exactly so in the vocabulary."""
        token = _native.llm_tokenizer_find(self._raw, text)
        return None if token == _native.LLM_TOKEN_NONE else token

    def token(self, token: int) -> TokenInfo:
        """An entry of the vocabulary: text, type, score."""
        return snapshot(_native.llm_tokenizer_get_token(self._raw, token), TokenInfo)

    if not TYPE_CHECKING:  # which would take any name then

        def __getattr__(self, name: str) -> Any:
            raise missing(self, "Tokenizer", name)

    def decoder(self, *, skip_special: bool = False, keep_prefix: bool = False) -> Decoder:
        """Decodes piece by piece."""
        return Decoder(_native.llm_decoder_create(self._raw, _decode_flags(skip_special, keep_prefix)))


@checked
class Decoder(Handle):
    """Hands out whole characters only; all of them together are the text of all ids."""

    def push(self, token: int) -> str:
        return _native.llm_decoder_push(self._raw, token)

    def finish(self) -> str:
        """What is left; begins anew."""
        return _native.llm_decoder_finish(self._raw)
