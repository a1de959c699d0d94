"""Token ids as the library gives them."""

from collections.abc import Sequence

from libllm import native as _native

TokenIds = _native._native.TokenIds
Sequence.register(TokenIds)
