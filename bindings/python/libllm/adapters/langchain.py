"""LangChain: LibLLM, a text model, and ChatLibLLM, a chat model.

chat = ChatLibLLM(model="model.gguf", n_ctx=2048, max_tokens=64)
chat.invoke("Hello!").content
chat.with_structured_output(Person).invoke("Who was Ada Lovelace?")
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, Field, ValidationError, model_validator

from libllm import Model, OptionError, Result, _options
from libllm._arguments import described
from libllm._messages import as_messages
from libllm._openai import logprob_entries, logprob_entry
from libllm._peers import WITHOUT_EFFECT
from libllm._tools import as_tools, call_of, forced
from libllm.chat_completion import add_tools, constraint
from libllm.result import Completion, Event

_OF_MODEL = ("model", "engine")


class _Fields(BaseModel):
    """model: a Model, or a path, then with the options of Model. options: keywords of generate() or chat(), which may
    also be given directly."""

    model: Any
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: dict[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in values.items() if name in cls.model_fields}
        given = {**known.pop("options", {}), **{n: v for n, v in values.items() if n not in cls.model_fields}}
        own = {n: given.pop(n) for n in list(given) if any(n in _options.table(group) for group in _OF_MODEL)}
        return {**known, "model": cls._opened(known.get("model"), own), "options": given}

    @staticmethod
    def _opened(model: Any, own: dict[str, Any]) -> Model:
        if isinstance(model, (str, os.PathLike)):
            return Model(model, **own)
        if not isinstance(model, Model):
            raise TypeError(f"model is {described(model)}, expected a Model or the path of one")
        if own:
            raise OptionError(f'"{next(iter(own))}" is an option of Model(), and the model is open already')
        return model

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What an answer depends on: LangChain's caches go by it."""
        return {"model": str(self.model.path), "n_ctx": self.model.n_ctx, **self.options}

    def get_token_ids(self, text: str) -> list[int]:
        return list(self.model.tokenize(text, add_special=False))


def _usage(result: Result) -> UsageMetadata:
    stats = result.stats
    return UsageMetadata(
        input_tokens=stats.n_prompt_tokens,
        output_tokens=stats.n_tokens,
        total_tokens=stats.n_prompt_tokens + stats.n_tokens,
    )


def _keywords(options: Mapping[str, Any], stop: list[str] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """As those of generate() and chat(). logprobs and top_logprobs are n_logprobs."""
    given = {**options, **({"stop": stop} if stop else {}), **more}
    kept = {name: value for name, value in given.items() if value is not None and name not in WITHOUT_EFFECT}
    top = kept.pop("top_logprobs", 0)
    if kept.pop("logprobs", False):
        kept["n_logprobs"] = top
    elif top:
        raise OptionError("top_logprobs is given without logprobs=True")
    return kept


def _of_one(keywords: Mapping[str, Any]) -> None:
    if keywords.get("n", 1) != 1:
        raise OptionError(f"n is {keywords['n']}, expected 1 in a stream, whose pieces are of one answer")


def _told_of(completion: Completion, model: Model) -> dict[str, Any]:
    """Why it ended, and its log-probabilities where they were asked for."""
    told: dict[str, Any] = {"finish_reason": completion.finish}
    if len(completion.logprobs):
        told["logprobs"] = {"content": logprob_entries(model, completion)}
    return told


class _Pieces:
    """Events of a stream as what chunks are made of: (text, what is told of it)."""

    def __init__(self, model: Model):
        self.model, self.finish, self.text = model, "none", ""

    def take(self, event: Event) -> tuple[str, dict[str, Any]] | None:
        self.text += event.text
        if event.finish != "none":
            self.finish = event.finish
        told = {}
        if event.logprob is not None:
            told["logprobs"] = {"content": [logprob_entry(self.model, event.token, event.logprob, event.top)]}
        return (event.text, told) if event.text or told else None


class LibLLM(_Fields, BaseLLM):
    """A text model. Keywords beside LangChain's own are options of Model() and of Model.generate()."""

    @property
    def _llm_type(self) -> str:
        return "libllm"

    def _answer(self, results: Sequence[Result]) -> LLMResult:
        usage: list[dict[str, Any]] = [dict(_usage(result)) for result in results]
        return LLMResult(
            generations=[
                [Generation(text=c.text, generation_info=_told_of(c, self.model)) for c in result] for result in results
            ],
            llm_output={"token_usage": {name: sum(u[name] for u in usage) for name in usage[0]}} if usage else None,
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

    @staticmethod
    def _chunk(piece: tuple[str, dict[str, Any]]) -> GenerationChunk:
        return GenerationChunk(text=piece[0], generation_info=piece[1] or None)

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> Iterator[GenerationChunk]:
        keywords, pieces = _keywords(self.options, stop, more), _Pieces(self.model)
        _of_one(keywords)
        with self.model.stream(prompt, **keywords) as stream:
            for piece in filter(None, map(pieces.take, stream.events())):
                chunk = self._chunk(piece)
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        yield self._chunk(("", {"finish_reason": pieces.finish}))

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> AsyncIterator[GenerationChunk]:
        keywords, pieces = _keywords(self.options, stop, more), _Pieces(self.model)
        _of_one(keywords)
        async with self.model.astream(prompt, **keywords) as stream:
            async for event in stream.events():
                if (piece := pieces.take(event)) is not None:
                    chunk = self._chunk(piece)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        yield self._chunk(("", {"finish_reason": pieces.finish}))


class _Asked(NamedTuple):
    """What Model.chat() is given, and the tools of which one must be called."""

    messages: list[dict[str, Any]]
    keywords: dict[str, Any]
    calls: list[dict[str, Any]]


class ChatLibLLM(_Fields, BaseChatModel):
    """A chat model, by the model's own chat template. Keywords beside LangChain's own are options of Model() and of
    Model.chat()."""

    @property
    def _llm_type(self) -> str:
        return "libllm-chat"

    def _asked(self, messages: list[BaseMessage], stop: list[str] | None, more: Mapping[str, Any]) -> _Asked:
        keywords = _keywords(self.options, stop, more)
        form, tools, choice = (keywords.pop(name, None) for name in ("response_format", "tools", "tool_choice"))
        if form is not None:
            keywords |= constraint(form)
        conversation = as_messages(convert_to_openai_messages(messages))
        calls = add_tools(self.model, conversation, keywords, tools, choice)
        return _Asked(conversation, keywords, calls)

    def _message(self, completion: Completion, usage: UsageMetadata, calls: Sequence[Any]) -> AIMessage:
        told = _told_of(completion, self.model)
        call = call_of(completion.text) if calls else None
        if call is None:
            return AIMessage(content=completion.text, usage_metadata=usage, response_metadata=told)
        made = {"name": call.name, "args": json.loads(call.arguments), "id": call.id, "type": "tool_call"}
        told["finish_reason"] = "tool_calls"
        return AIMessage(content="", tool_calls=[made], usage_metadata=usage, response_metadata=told)

    def _answer(self, result: Result, calls: Sequence[Any]) -> ChatResult:
        usage = _usage(result)
        return ChatResult(generations=[ChatGeneration(message=self._message(c, usage, calls)) for c in result])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> ChatResult:
        asked = self._asked(messages, stop, more)
        return self._answer(self.model.chat(asked.messages, **asked.keywords), asked.calls)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> ChatResult:
        asked = self._asked(messages, stop, more)
        return self._answer(await self.model.achat(asked.messages, **asked.keywords), asked.calls)

    # ---- streams ----

    @staticmethod
    def _chunk(piece: tuple[str, dict[str, Any]], calls: Sequence[Any]) -> ChatGenerationChunk:
        """A call that is forced comes whole, with the end."""
        text, told = piece
        return ChatGenerationChunk(message=AIMessageChunk(content="" if calls else text, response_metadata=told))

    @staticmethod
    def _last(pieces: _Pieces, result: Result, calls: Sequence[Any]) -> ChatGenerationChunk:
        call = call_of(pieces.text) if calls else None
        reason = pieces.finish if call is None else "tool_calls"
        made = [] if call is None else [tool_call_chunk(name=call.name, args=call.arguments, id=call.id, index=0)]
        cut = pieces.text if calls and call is None else ""
        message = AIMessageChunk(
            content=cut,
            tool_call_chunks=made,
            usage_metadata=_usage(result),
            response_metadata={"finish_reason": reason},
        )
        return ChatGenerationChunk(message=message)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> Iterator[ChatGenerationChunk]:
        asked, pieces = self._asked(messages, stop, more), _Pieces(self.model)
        _of_one(asked.keywords)
        with self.model.chat_stream(asked.messages, **asked.keywords) as stream:
            for piece in filter(None, map(pieces.take, stream.events())):
                chunk = self._chunk(piece, asked.calls)
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
            yield self._last(pieces, stream.result, asked.calls)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked, pieces = self._asked(messages, stop, more), _Pieces(self.model)
        _of_one(asked.keywords)
        async with self.model.achat_stream(asked.messages, **asked.keywords) as stream:
            async for event in stream.events():
                if (piece := pieces.take(event)) is not None:
                    chunk = self._chunk(piece, asked.calls)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
            yield self._last(pieces, stream.result, asked.calls)

    # ---- tools and structures ----

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | bool | dict[str, Any] | None = None, **more: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The chat template is told of the tools. tool_choice "any", True or a name forces a call, which comes as
        tool_calls; otherwise the answer is the text that the model writes."""
        given = as_tools([convert_to_openai_tool(tool) for tool in tools])
        choice = "required" if tool_choice is True else tool_choice or None
        forced(given, choice)
        more.pop("strict", None)
        return self.bind(tools=given, tool_choice=choice, **more)

    def with_structured_output(
        self,
        schema: Any,
        *,
        include_raw: bool = False,
        method: str = "json_schema",
        strict: bool | None = None,
        **more: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that are instances of a pydantic class, or dicts as a TypedDict or a JSON Schema says. The text is
        forced to it, whatever method says. An answer that was cut off is an OutputParserException."""
        if more:
            raise ValueError(f"with_structured_output has no option {next(iter(more))!r}")
        parse = RunnableLambda(_parser(schema))
        chat = self.bind(json_schema=_json_schema(schema))
        if not include_raw:
            return chat | parse
        caught = RunnablePassthrough.assign(parsed=_of_raw | parse, parsing_error=lambda _: None).with_fallbacks(
            [RunnablePassthrough.assign(parsed=lambda _: None)], exception_key="parsing_error"
        )
        return RunnableMap({"raw": chat}) | caught


_of_raw = RunnableLambda(lambda found: found["raw"])


def _is_pydantic(schema: Any) -> bool:
    return isinstance(schema, type) and issubclass(schema, BaseModel)


def _json_schema(schema: Any) -> dict[str, Any]:
    """JSON Schema of a pydantic class, a TypedDict, a tool, or what is one already."""
    if _is_pydantic(schema):
        found: dict[str, Any] = schema.model_json_schema()
        return found
    if isinstance(schema, Mapping):
        inner = schema.get("function", schema)
        return dict(inner.get("parameters") or inner.get("schema") or inner)
    return convert_to_json_schema(schema)


def _parser(schema: Any) -> Callable[[AIMessage], Any]:
    """Reads an answer as what was asked for."""

    def parse(message: AIMessage) -> Any:
        text = str(message.content)
        try:
            value = json.loads(text)
            return schema.model_validate(value) if _is_pydantic(schema) else value
        except (ValueError, ValidationError) as error:
            reason = message.response_metadata.get("finish_reason")
            cut = ": it was cut off (finish_reason 'length'), max_tokens is too small" if reason == "length" else ""
            said = f"the answer is not what the schema asks for{cut}: {error}"
            raise OutputParserException(said, llm_output=text) from error

    return parse
