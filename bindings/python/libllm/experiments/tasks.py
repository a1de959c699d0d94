"""Items from a file: its fields as they are, or one of the formats of known benchmarks, read from the user's own copy
into the fields question, answer, rationale."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from . import number
from .data import Data, Fields, from_records, read_records
from .errors import ExperimentError, check_names, checked

FilePath = str | PathLike[str]
COT_CUE, ANSWER_CUE = "Let's think step by step.", "the answer is"


def _field(path: FilePath, index: int, record: Any, name: str) -> Any:
    if not isinstance(record, dict) or name not in record:
        found = ", ".join(record) if isinstance(record, dict) else repr(record)[:60]
        raise ExperimentError(f"{path}: item {index} has no field {name!r}; found {found}")
    return record[name]


def gsm8k(path: FilePath) -> Data:
    """GSM8K: {question, answer} where the answer is worked steps, "#### " and a number. Calculator annotations
    (<<1+1=2>>) are left out of the rationale."""
    records = []
    for i, record in enumerate(read_records(path)):
        steps, mark, answer = str(_field(path, i, record, "answer")).rpartition("####")
        if not mark:
            raise ExperimentError(f"{path}: item {i}: the answer has no '#### ', expected it before the number")
        rationale = " ".join(re.sub(r"<<[^>]*>>", "", steps).split())
        records.append(
            {
                "question": _field(path, i, record, "question"),
                "answer": answer.strip().replace(",", ""),
                "rationale": rationale,
            }
        )
    return from_records(records, "gsm8k")


def svamp(path: FilePath) -> Data:
    """SVAMP: {ID, Body, Question, Answer, Equation, Type}. The question is body and question as one text."""
    records = []
    for i, record in enumerate(read_records(path)):
        body, question = (str(_field(path, i, record, name)).strip() for name in ("Body", "Question"))
        body += "" if body.endswith((".", "?", "!", ",")) else "."
        answer = number.spelled(_field(path, i, record, "Answer"))
        records.append(
            {
                "id": _field(path, i, record, "ID"),
                "question": f"{body} {question}",
                "answer": answer,
                "rationale": f"{record.get('Equation', '')} = {answer}.",
                "type": record.get("Type", ""),
            }
        )
    return from_records(records, "svamp")


def bbh(path: FilePath, cot: FilePath | None = None) -> Data:
    """BIG-Bench-Hard: {"examples": [{input, target}]}. cot: the task's chain-of-thought prompt, whose description
    becomes the field "instruction" of every item and whose worked examples become the shots."""
    instruction, examples = read_bbh_prompt(cot) if cot is not None else ("", [])
    records = [
        {
            "question": _field(path, i, r, "input"),
            "answer": _field(path, i, r, "target"),
            **({"instruction": instruction} if cot is not None else {}),
        }
        for i, r in enumerate(read_records(path))
    ]
    return from_records(records, Path(path).stem).with_examples(examples)


def read_bbh_prompt(path: FilePath) -> tuple[str, list[Fields]]:
    """The description and the worked examples of a BIG-Bench-Hard chain-of-thought prompt."""
    _, mark, body = Path(path).read_text(encoding="utf-8").partition("\n-----\n")
    if not mark:
        raise ExperimentError(f"{path}: no line '-----', expected a canary line, '-----' and the prompt")
    instruction, *shots = re.split(r"\n\nQ: ", body.strip())
    examples = []
    for i, shot in enumerate(shots):
        question, mark, worked = shot.partition("\nA: ")
        rationale, cue, answer = worked.rpartition(ANSWER_CUE)
        if not mark or not cue:
            raise ExperimentError(
                f"{path}: example {i} is {shot!r:.60}, expected 'Q: ...', a line 'A: ...' and {ANSWER_CUE!r}"
            )
        rationale = re.sub(r"\s*(So|Thus|Therefore)?,?\s*$", "", rationale.removeprefix(COT_CUE).strip())
        examples.append(
            {"question": question.strip(), "rationale": rationale, "answer": answer.strip().removesuffix(".")}
        )
    return instruction.strip(), examples


TASKS: dict[str, Callable[..., Data]] = {"gsm8k": gsm8k, "svamp": svamp, "bbh": bbh}


def find(name: str) -> Callable[..., Data]:
    check_names("task", [name], TASKS)
    return TASKS[name]


@checked
def load(
    path: str | PathLike[str],
    task: str | None = None,
    *,
    fields: Mapping[str, str] | None = None,
    id_field: str = "id",
    limit: int | None = None,
    examples: str | PathLike[str] | Sequence[Mapping[str, Any]] | None = None,
    **task_options: Any,
) -> Data:
    """Reads items from JSONL, JSON, CSV, TSV or Parquet.

    task      "gsm8k", "svamp" or "bbh": the format of that benchmark (see tasks.py); None: the fields as they are
    fields    {new name: name in the file} for formats that expect "question" and "answer"
    limit     only the first so many items
    examples  what prompts show as shots: a file of the same form, or a list of objects
    """
    if task is not None:
        if fields is not None or id_field != "id":
            raise ExperimentError(
                f"load: fields or id_field with task {task!r}, expected neither: it names them itself"
            )
        data = find(task)(path, **task_options)
    elif task_options:
        raise ExperimentError(f"load: unknown option {next(iter(task_options))!r}; only a task has options of its own")
    else:
        data = from_records(read_records(path), Path(path).stem, id_field, fields)
    if isinstance(examples, (str, PathLike)):
        shown = load(examples, task, fields=fields, id_field=id_field, **task_options)
        data = data.with_examples(shown)
    elif examples is not None:
        data = data.with_examples(examples)
    return data if limit is None else data.head(limit)
