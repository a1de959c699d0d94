"""LangChain: LibLLM, a text model, and ChatLibLLM, a chat model.

chat = ChatLibLLM(model="model.gguf", max_tokens=64)
chat.invoke("Hello!").content
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)
from pydantic import BaseModel, Field, field_validator, model_validator

from libllm import Model, Result


class _Fields(BaseModel):
    """model: a Model, or a path. options: keywords of generate() or chat(), which may also be given directly."""

    model: Any
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: dict[str, Any]) -> dict[str, Any]:
        known = cls.model_fields
        rest = {name: value for name, value in values.items() if name not in known}
        return {
            **{name: values[name] for name in values if name in known},
            "options": {**values.get("options", {}), **rest},
        }

    @field_validator("model")
    @classmethod
    def _open(cls, model: Any) -> Model:
        return Model(model) if isinstance(model, (str, os.PathLike)) else model

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": repr(self.model), **self.options}

    def get_token_ids(self, text: str) -> list[int]:
        return self.model.tokenize(text, add_special=False).tolist()


def _keywords(options: dict[str, Any], stop: list[str] | None, more: dict[str, Any]) -> dict[str, Any]:
    return {**options, **({"stop": stop} if stop else {}), **more}


def _usage(result: Result) -> dict[str, int]:
    stats = result.stats
    return {
        "input_tokens": stats.n_prompt_tokens,
        "output_tokens": stats.n_tokens,
        "total_tokens": stats.n_prompt_tokens + stats.n_tokens,
    }


class LibLLM(_Fields, BaseLLM):
    """A text model. Keywords beside LangChain's own are options of Model.generate()."""

    @property
    def _llm_type(self) -> str:
        return "libllm"

    @staticmethod
    def _answer(results: Sequence[Result]) -> LLMResult:
        return LLMResult(
            generations=[
                [Generation(text=c.text, generation_info={"finish_reason": c.finish}) for c in result]
                for result in results
            ]
        )

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> LLMResult:
        return self._answer(self.model.generate(prompts, **_keywords(self.options, stop, more)))

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> LLMResult:
        return self._answer(await self.model.agenerate(prompts, **_keywords(self.options, stop, more)))

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> Iterator[GenerationChunk]:
        with self.model.stream(prompt, **_keywords(self.options, stop, more)) as stream:
            for piece in stream:
                chunk = GenerationChunk(text=piece)
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> AsyncIterator[GenerationChunk]:
        async with self.model.astream(prompt, **_keywords(self.options, stop, more)) as stream:
            async for piece in stream:
                chunk = GenerationChunk(text=piece)
                if run_manager:
                    await run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk


class ChatLibLLM(_Fields, BaseChatModel):
    """A chat model, by the model's own chat template. Keywords beside LangChain's own are options of Model.chat()."""

    @property
    def _llm_type(self) -> str:
        return "libllm-chat"

    @staticmethod
    def _answer(result: Result) -> ChatResult:
        usage = _usage(result)
        return ChatResult(
            generations=[
                ChatGeneration(
                    message=AIMessage(
                        content=completion.text,
                        usage_metadata=usage,
                        response_metadata={"finish_reason": completion.finish},
                    )
                )
                for completion in result
            ]
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> ChatResult:
        return self._answer(
            self.model.chat(convert_to_openai_messages(messages), **_keywords(self.options, stop, more))
        )

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> ChatResult:
        options = _keywords(self.options, stop, more)
        return self._answer(await self.model.achat(convert_to_openai_messages(messages), **options))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> Iterator[ChatGenerationChunk]:
        options = _keywords(self.options, stop, more)
        with self.model.chat_stream(convert_to_openai_messages(messages), **options) as stream:
            for piece in stream:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        options = _keywords(self.options, stop, more)
        async with self.model.achat_stream(convert_to_openai_messages(messages), **options) as stream:
            async for piece in stream:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    await run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
