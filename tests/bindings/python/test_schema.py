"""json_schema= of classes and types: what comes back is read as what was asked for."""

import dataclasses
import enum
import json
import typing

import libllm
import pytest
from libllm._schema import schema_text


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@dataclasses.dataclass
class Tree:
    value: typing.Literal["a", "b"]
    children: list["Tree"]


class Move(typing.TypedDict):
    to: Point
    speed: typing.NotRequired[float]


def schema_of(kind):
    return json.loads(schema_text(kind))


def test_dataclasses_are_objects():
    point = {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
        "required": ["x"],
        "additionalProperties": False,
    }
    assert schema_of(Point) == {"$ref": "#/$defs/Point", "$defs": {"Point": point}}
    assert schema_of(Tree)["$defs"]["Tree"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert schema_of(Move)["$defs"]["Move"]["required"] == ["to"]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (
            dict[Color, int],
            {"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"enum": ["red", "blue"]}},
        ),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "items": False},
        ),
        (Color, {"enum": ["red", "blue"]}),
        (True, True),
        ('{"type": "null"}', {"type": "null"}),
    ],
)
def test_types_are_schemas(kind, schema):
    assert schema_of(kind) == schema


def test_two_classes_of_one_name_are_two(model):
    def make(word):
        @dataclasses.dataclass
        class Answer:
            value: typing.Literal[word]

        return Answer

    for word in ("first", "second"):
        text = model.generate("x", json_schema=make(word), max_tokens=40).text
        assert json.loads(text) == {"value": word}


@pytest.mark.parametrize("wrong", [Point(1), 5, object(), {1, 2}, {"enum": {1, 2}}, len])
def test_what_is_not_a_schema_says_what_is_expected(model, wrong):
    with pytest.raises((TypeError, libllm.OptionError), match="json_schema"):
        model.generate("x", json_schema=wrong, max_tokens=4)


def test_pydantic_models(model):
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        link: pydantic.HttpUrl
        code: pydantic.constr(pattern="^[A-Z]+$", min_length=2, max_length=4)

    class Node(pydantic.BaseModel):
        color: Color
        next: typing.Optional["Node"] = None

    class Outer(pydantic.BaseModel):
        count: dict[Color, int]
        size: typing.Annotated[int, pydantic.Field(ge=1, le=3)]

    text = model.generate("x", json_schema=Outer, max_tokens=200).text
    assert Outer.model_validate_json(text).size in (1, 2, 3)
    assert schema_of(Inner) == Inner.model_json_schema()
    assert schema_of(list[Node])["items"] == {"$ref": "#/$defs/Node"}
    for kind in (Inner, Node, list[Node], Outer):
        libllm.Grammar(model, json_schema=kind)
    with pytest.raises(TypeError, match="the class itself"):
        model.generate("x", json_schema=Outer(count={}, size=1))
