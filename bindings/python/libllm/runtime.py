"""Runtimes: threads, instruction sets, back ends, and where the log goes."""

from __future__ import annotations

import os
from typing import NamedTuple, Unpack

from libllm import _options, errors
from libllm import native as _native
from libllm._arguments import Path, check, checked
from libllm._handle import Handle
from libllm._paths import expanded
from libllm.keywords import RuntimeKeywords


class Backend(NamedTuple):
    """What computes. `usable` is False where `reason` says what is missing."""

    name: str
    usable: bool
    description: str
    reason: str


@checked
class Runtime(Handle):
    """Carries what other libraries keep in globals. Keywords: the options of the group "runtime". The log goes to
    logging.getLogger("libllm"), from the level that this has when the runtime is made, unless log_level says
    otherwise."""

    def __init__(self, **options: Unpack[RuntimeKeywords]):
        folder = options.get("plugin_dir")
        if folder is not None:
            check(Path, "option plugin_dir", folder)
            options["plugin_dir"] = os.fsdecode(expanded(folder))
        if options.get("log_level") is None:
            options["log_level"] = errors.wanted_level()
        self._log_level = options["log_level"]
        (shared,) = _options.split(options, "runtime")
        shared.raw.log_to_python()
        super().__init__(_native.llm_runtime_create(shared.raw))

    def backends(self) -> list[Backend]:
        """The back ends it knows, usable or not."""
        found = []
        for i in range(_native.llm_runtime_device_count(self._raw)):
            device = _native.llm_runtime_device_get(self._raw, i)
            found.append(Backend(device.name, bool(device.usable), device.description, device.reason))
        return found


_default: list[Runtime] = []


def default() -> Runtime:
    """The one of this process, for those who name none; a new one where the log's level has changed."""
    if not _default or _default[0].closed or _default[0]._log_level != errors.wanted_level():
        _default[:] = [Runtime()]
    return _default[0]


def backends() -> list[Backend]:
    """The back ends of this process."""
    return default().backends()
