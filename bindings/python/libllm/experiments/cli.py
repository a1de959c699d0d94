"""The command: python -m libllm.experiments run, status, report, compare, export."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from libllm.errors import LlmError

from . import metrics
from .errors import ExperimentError, MissingPackage, check_names
from .experiment import EXECUTORS, Experiment
from .prompts import Prompt, Selector
from .result import AXES, Result
from .store import Store
from .tasks import load

TOP = (
    "models",
    "shots",
    "seeds",
    "selectors",
    "metric",
    "results",
    "report",
    "export",
    "data",
    "prompts",
    "sampling",
    "engine",
)
KINDS: dict[str, Callable[..., Prompt]] = {"plain": Prompt, "direct": Prompt.direct, "cot": Prompt.cot}


def read_config(path: str) -> dict[str, Any]:
    """A TOML file; paths in it are relative to its folder."""
    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ExperimentError(f"{path}: {e}; expected a TOML file") from e
    check_names(path, config, TOP)
    for name in ("models", "data", "prompts", "results"):
        if name not in config:
            raise ExperimentError(f"{path}: no {name!r}, expected it")
    if not isinstance(config["data"], dict) or "path" not in config["data"]:
        raise ExperimentError(f"{path}: data is {config['data']!r:.60}, expected a table with a 'path'")
    return config


def experiment_of(config: dict[str, Any], folder: Path) -> Experiment:
    """What a configuration describes."""

    def near(value: Any) -> Any:
        return str(folder / value) if isinstance(value, str) else value

    data = dict(config["data"])
    for name in ("path", "examples", "cot"):
        if name in data:
            data[name] = near(data[name])
    models = config["models"] if isinstance(config["models"], list) else [config["models"]]
    seeds = config.get("seeds", 1)
    sampling = config.get("sampling", [{}])
    return Experiment(
        [near(m) for m in models],
        [prompt_of(p, near) for p in _tables("prompts", config["prompts"])],
        load(data.pop("path"), data.pop("task", None), **data),
        metric_of(config.get("metric", "exact")),
        shots=config.get("shots", [0]),
        seeds=range(seeds) if isinstance(seeds, int) else seeds,
        selectors=[selector_of(s) for s in config.get("selectors", ["first"])],
        sampling=sampling if isinstance(sampling, dict) else _tables("sampling", sampling),
        engine=config.get("engine", {}),
    )


def _tables(what: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise ExperimentError(f"{what} is {value!r:.60}, expected [[{what}]] tables")
    return value


def prompt_of(table: dict[str, Any], near: Any) -> Prompt:
    """A prompt: kind "plain" (default), "direct" or "cot", and the members of Prompt."""
    given = dict(table)
    kind = given.pop("kind", "plain")
    check_names("prompts: kind", [kind], KINDS)
    check_names("prompts", given, [f.name for f in fields(Prompt)])
    if "examples" in given:
        given["examples"] = near(given["examples"])
    if "name" not in given:
        given["name"] = kind
    return KINDS[kind](**given)


def selector_of(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    check_names("selectors", value, [f.name for f in fields(Selector)])
    return Selector(**value)


def metric_of(value: Any) -> metrics.Metric:
    """A name, or a table with a name and the metric's options."""
    if isinstance(value, dict):
        options = dict(value)
        return metrics.find(str(options.pop("name", None)), **options)
    return metrics.find(str(value))


# ---- the commands ----


def run(a: argparse.Namespace) -> None:
    config, folder = read_config(a.config), Path(a.config).parent
    with experiment_of(config, folder) as experiment:
        print(experiment.plan(folder / config["results"], measure=not a.no_measure))
        if a.plan:
            return
        result = experiment.execute(folder / config["results"], False if a.quiet else None, a.executor, a.workers)
    print(result.table())
    if len(experiment.prompts) > 1:
        print(result.compare())
    print(result.verdict())
    if "report" in config:
        result.report(folder / config["report"])
    if "export" in config:
        result.export(folder / config["export"])


def status(a: argparse.Namespace) -> None:
    with Store(a.results, read_only=True) as store:
        for r in store.runs():
            state = "finished" if r["finished"] else "not finished"
            print(f"run {r['number']} {r['id'][:12]}: {r['n_done']} of {r['n_samples']} samples, {state}")


def report(a: argparse.Namespace) -> None:
    Result(a.results, a.run).report(a.out)


def export(a: argparse.Namespace) -> None:
    Result(a.results, a.run).export(a.out)


def compare(a: argparse.Namespace) -> None:
    if len(a.values) not in (0, 2):
        raise ExperimentError(f"compare: {len(a.values)} values, expected two, or none for each pair")
    values: list[Any] = [int(v) if a.by == "shots" and v.isdigit() else v for v in a.values]
    first, second = values or (None, None)
    result = Result(a.results, a.run)
    table = result.compare(first, second, by=a.by)
    print(table.markdown() if a.markdown else table)
    if not a.values:
        print(result.verdict())


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m libllm.experiments", description="Prompt experiments from a file.")
    commands = p.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Any, about: str, *positional: str) -> argparse.ArgumentParser:
        c = commands.add_parser(function.__name__, help=about, description=about)
        for name in positional:
            c.add_argument(name)
        c.set_defaults(function=function)
        return c

    c = command(run, "plans and runs an experiment, or goes on with it", "config")
    c.add_argument("--plan", action="store_true", help="only tell what it takes")
    c.add_argument("--no-measure", action="store_true", help="no try for the time that it takes")
    c.add_argument("--quiet", action="store_true", help="no progress bar")
    c.add_argument("--executor", default="local", choices=EXECUTORS, help="ray: the workers of a Ray cluster")
    c.add_argument("--workers", type=int, help="how many of them; default: one for each machine")
    command(status, "which runs a results file holds and how far they are", "results")
    with_run = [
        command(report, "writes the report of a run", "results", "out"),
        command(export, "writes the samples of a run as CSV, JSONL or Parquet", "results", "out"),
    ]
    pairs = command(compare, "paired tests: two prompts, or each pair", "results")
    pairs.add_argument("values", nargs="*", help="two prompts, or values of the axis --by")
    pairs.add_argument("--by", default="prompt", choices=AXES)
    pairs.add_argument("--markdown", action="store_true")
    for c in [*with_run, pairs]:
        c.add_argument(
            "--run",
            type=lambda v: int(v) if v.isdigit() and len(v) < 6 else v,
            help="its number or the beginning of its id; default: the last one",
        )
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    a = parser().parse_args(arguments)
    try:
        a.function(a)
    except (ExperimentError, MissingPackage, LlmError, OSError) as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run it again to go on", file=sys.stderr)
        return 130
    return 0
