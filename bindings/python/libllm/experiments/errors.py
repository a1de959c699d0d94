"""What goes wrong in an experiment: one line that names the thing, the value found and what was expected."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import TypeVar

from libllm import _arguments

T = TypeVar("T")


class ExperimentError(ValueError):
    """Wrong input to an experiment."""


def checked(thing: T) -> T:
    """A function or class whose arguments are checked by their annotations."""
    return _arguments.checked(thing, ExperimentError)


class MissingPackage(ImportError):
    """A package that this part needs is not installed."""


def need(module: str, package: str, what_for: str) -> ModuleType:
    """Imports an optional package, or says which one to install."""
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise MissingPackage(f"{what_for} needs the package {package} ({e}): pip install {package}") from e


def told(error: Exception) -> str:
    """What an error of any kind says, after the name of the thing that it happened to."""
    return str(error) if isinstance(error, ExperimentError) else f"{type(error).__name__}: {error}"


def check_names(what: str, given: Iterable[str], known: Iterable[str], otherwise: str = "") -> None:
    """Refuses names that are not known, and names the nearest one. otherwise: what else may help, with {name}."""
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
            raise ExperimentError(f"{what}: unknown name {name!r}; {hint}{otherwise.format(name=repr(name))}")
