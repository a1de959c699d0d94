"""Items to ask about: read from JSONL, JSON, CSV, TSV or Parquet, with the examples that prompts may show."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import ExperimentError, checked, need

Fields = dict[str, Any]


def canonical(value: Any) -> str:
    """JSON in one form: what hashes are made of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of bytes, or of a value's canonical JSON."""
    return hashlib.sha256(value if isinstance(value, bytes) else canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class Item:
    """A question: its id and its fields, which the formats of a prompt see by name."""

    id: str
    fields: Fields

    @cached_property
    def hash(self) -> str:
        return digest(self.fields)


@checked
@dataclass(frozen=True)
class Data:
    """Items in their order, and examples (fields, too) that prompts without examples of their own show."""

    name: str
    items: tuple[Item, ...]
    examples: tuple[Fields, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @cached_property
    def hash(self) -> str:
        """Of the items' ids and fields; the examples belong to the prompts."""
        return digest([[i.id, i.fields] for i in self.items])

    def head(self, n: int) -> Data:
        """The first n items."""
        if n < 0:
            raise ExperimentError(f"{self.name}: head of {n} items, expected 0 or more")
        return replace(self, items=self.items[:n])

    def sample(self, n: int, seed: int = 0) -> Data:
        """n items drawn without repetition, in the order of the file."""
        if not 0 <= n <= len(self.items):
            raise ExperimentError(f"{self.name}: sample of {n} items, expected 0 to {len(self.items)}, which there are")
        chosen = sorted(random.Random(seed).sample(range(len(self.items)), n))
        return replace(self, items=tuple(self.items[i] for i in chosen))

    def with_examples(self, examples: Iterable[Mapping[str, Any]] | Data) -> Data:
        """The same items with these examples: fields, or the items of other data."""
        return replace(self, examples=fields_of(examples, self.name))


def checked_fields(record: Any, what: str) -> Fields:
    """The fields of an object that JSON can say."""
    if not isinstance(record, Mapping) or not record:
        raise ExperimentError(f"{what} is {record!r:.80}, expected an object with at least one field")
    try:
        canonical(record).encode()
    except (TypeError, ValueError, RecursionError) as e:
        raise ExperimentError(f"{what}: {e}; expected what JSON can say: text, finite numbers, lists, objects") from e
    return dict(record)


def fields_of(examples: Iterable[Mapping[str, Any]] | Data, what: str) -> tuple[Fields, ...]:
    """Examples: fields, or the items of data."""
    if isinstance(examples, Data):
        return tuple(i.fields for i in examples)
    return tuple(checked_fields(x, f"{what}: example {i}") for i, x in enumerate(examples))


@checked
def from_records(
    records: Iterable[Mapping[str, Any]],
    name: str = "data",
    id_field: str = "id",
    fields: Mapping[str, str] | None = None,
) -> Data:
    """Data of dictionaries. An item's id is its field id_field, or its place, counted from 0. fields: {new name: name
    in the records}, for prompts and metrics that expect "question" and "answer"."""
    items = []
    for i, record in enumerate(records):
        found = checked_fields(record, f"{name}: item {i}")
        found |= {new: _field(found, old, f"{name}: item {i}", new) for new, old in (fields or {}).items()}
        items.append(Item(str(found.get(id_field, i)), found))
    if not items:
        raise ExperimentError(f"{name}: no items, expected at least one")
    seen: dict[str, int] = {}
    for i, item in enumerate(items):
        if item.id in seen:
            raise ExperimentError(
                f"{name}: items {seen[item.id]} and {i} both have the id {item.id!r}, expected different ones"
            )
        seen[item.id] = i
    return Data(name, tuple(items))


def _field(record: Fields, name: str, what: str, new: str) -> Any:
    if name not in record:
        raise ExperimentError(f"{what} has no field {name!r} (wanted as {new!r}); it has {', '.join(record)}")
    return record[name]


def _jsonl(path: Path) -> list[Any]:
    records = []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    records.append(json.loads(line))
                except (ValueError, RecursionError) as e:
                    raise ExperimentError(f"{path}: line {number}: {e}; expected one JSON object a line") from e
    return records


def _json(path: Path) -> list[Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as e:
        raise ExperimentError(f"{path}: {e}; expected JSON") from e
    if isinstance(value, dict):  # BIG-Bench-Hard keeps its items in a member beside others
        lists = [v for v in value.values() if isinstance(v, list)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list):
        raise ExperimentError(
            f"{path}: {type(value).__name__}, expected an array of objects, or an object with one array in it"
        )
    return value


def _csv(path: Path, dialect: str = "excel") -> list[Any]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True, restkey="", dialect=dialect)
        try:
            records = list(rows)
        except csv.Error as e:
            raise ExperimentError(f"{path}: line {rows.line_num}: {e}") from e
    for i, record in enumerate(records):
        if "" in record or None in record.values():
            raise ExperimentError(
                f"{path}: record {i + 1} does not have the {len(rows.fieldnames or [])} fields of the first line"
            )
    return records


def _parquet(path: Path) -> list[Any]:
    parquet = need("pyarrow.parquet", "pyarrow", f"reading {path}")
    try:
        return parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as e:  # pyarrow's own errors are of these kinds
        raise ExperimentError(f"{path}: {e}; expected a Parquet file") from e


READERS: dict[str, Callable[[Path], list[Any]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": partial(_csv, dialect="excel-tab"),
    ".parquet": _parquet,
}


def read_records(path: str | PathLike[str]) -> list[Any]:
    """The records of a file by its suffix."""
    path = Path(path).expanduser()
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ExperimentError(f"{path}: suffix {path.suffix!r}, expected one of {', '.join(READERS)}")
    try:
        return reader(path)
    except UnicodeDecodeError as e:
        raise ExperimentError(f"{path}: {e}; expected UTF-8") from e
