"""Chat templates: a conversation as the tokens that a model was trained on."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, Unpack

from libllm import _display, _options
from libllm import native as _native
from libllm._arguments import Kind, Text, checked, described
from libllm._handle import Handle, Uncopied
from libllm._json import as_json, as_mapping
from libllm.keywords import TemplateKeywords
from libllm.runtime import Runtime, default
from libllm.token_ids import TokenIds

Context = Annotated[
    Any,
    Kind(
        "the template's variables (a dict), or their JSON as text",
        lambda v: "" if isinstance(v, (str, bytes)) or as_mapping(v) is not None else f" is {described(v)}",
    ),
]


class Origin(NamedTuple):
    """Where text[begin:end] (bytes of UTF-8) of a rendering comes from. line: of the template, 0: put there by libllm;
    message: index of the message, -1: none; given: text of the context, not of the template."""

    begin: int
    end: int
    line: int
    message: int
    given: bool
    generation: bool


def _origin(raw: Any) -> Origin:
    return Origin(raw.begin, raw.end, raw.line, raw.message, bool(raw.given), bool(raw.generation))


def _place(origin: Origin) -> str:
    message = f"message {origin.message}, " if origin.message >= 0 else ""
    return f"{message}line {origin.line} of the template" if origin.line else f"{message}put there by libllm"


@checked
class Rendering(Uncopied):
    """A rendered conversation; generate() takes it as a prompt."""

    __slots__ = ("_rendering",)

    def __init__(self, raw: Any):
        self._rendering = raw

    @property
    def text(self) -> str:
        return _native.llm_rendering_text(self._rendering)

    @property
    def ids(self) -> TokenIds:
        """int32 [n]; none if only a text was rendered."""
        return _native.llm_rendering_tokens(self._rendering)

    @property
    def origins(self) -> list[Origin]:
        """Pieces of the text that follow each other without holes."""
        raw, n = self._rendering, _native.llm_rendering_origin_count(self._rendering)
        return [_origin(_native.llm_rendering_origin(raw, i)) for i in range(n)]

    def token_origin(self, index: int) -> Origin:
        """The same for one token."""
        return _origin(_native.llm_rendering_token_origin(self._rendering, index))

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        said = self.text.encode()
        return _display.marked(
            (said[o.begin : o.end].decode(errors="replace"), o.given, _place(o)) for o in self.origins
        ) + _display.small(f"{len(self.ids)} tokens")

    def __repr__(self) -> str:
        return f"<Rendering {self.text!r}>"


@checked
class Template(Handle):
    """A Jinja program: Template("{% for m in messages %}...", max_steps=...). A model's own is model.template()."""

    def __init__(self, source: Text, *, runtime: Runtime | None = None):
        super().__init__(_native.llm_template_parse((runtime or default())._raw, source))

    @classmethod
    def _of(cls, raw: Any) -> Template:
        template = cls.__new__(cls)
        Handle.__init__(template, raw)
        return template

    def render(self, context: Context, **options: Unpack[TemplateKeywords]) -> Rendering:
        """Renders a context, a dict or JSON: text, no ids. Keywords: the options of the group "template"."""
        (shared,) = _options.split(options, "template")
        return Rendering(_native.llm_template_render(self._raw, as_json(context, "context"), shared.raw))
