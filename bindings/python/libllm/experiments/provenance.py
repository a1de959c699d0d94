"""When, by which command, with which versions and on what machine a run was computed: kept beside its results, and
no part of what they depend on."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy
import scipy

LONGEST_ARGUMENT = 200


def facts(executor: str, workers: int | None = None) -> dict[str, str]:
    """By name, as texts. The machine is the one that plans; workers may be on others."""
    how = executor if workers is None else f"{executor}, {workers} workers"
    return {"date": date(), "command": command(), "versions": versions(), "machine": machine(), "executor": how}


def date() -> str:
    """Now, in UTC; what SOURCE_DATE_EPOCH says where it is set, so that a run can be repeated to the byte."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(given) if given.isdecimal() else time.time()
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def command() -> str:
    """The command line of this process; programs that are given on it are cut."""
    if any("ipykernel" in a for a in sys.orig_argv):
        return "a notebook"
    return shlex.join(a if len(a) <= LONGEST_ARGUMENT else f"{a[:LONGEST_ARGUMENT]}..." for a in sys.orig_argv)


def versions() -> str:
    return f"Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}"


def machine() -> str:
    """Processor, cores, memory, system."""
    parts = [_processor(), f"{os.cpu_count()} CPUs"]
    if "SC_PHYS_PAGES" in os.sysconf_names:
        parts.append(f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB")
    return ", ".join([*parts, _system()])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
