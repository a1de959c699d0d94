#!/usr/bin/env python3
"""Runs the shell blocks of pages as their reader would: in order, a shell for each page, in a fresh copy of the sources.

    python3 tests/docs/run_pages.py WORK_FOLDER README.md docs/get-a-model.md

    ```sh
    build/bin/llm tokenize $M "blue sky"
    # => 12 96                              lines that the command above prints last
    ```

The home directory is empty, standard input too. `bin/` stands in for what cannot run here: `apt-get` looks whether the
packages are installed, `hf` hands out the bundled model. EXEMPT lists what is not run, and why."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXEMPT = {
    "sh tests/run.sh": "this test is a part of it",
    "sh scripts/wheel.sh dist": "the test bindings.wheel runs it",
}


def blocks(page):
    """[(number of its first line, its lines)] of the fenced blocks that say sh."""
    found, at = [], None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if at is None and re.fullmatch(r"```sh", line):
            at = (number + 1, [])
        elif at is not None and line == "```":
            found.append(at)
            at = None
        elif at is not None:
            at[1].append(line)
    return found


def steps(page):
    """[(line, commands, expected lines)]: a block, cut behind each run of lines that begin with `# => `."""
    for first, lines in blocks(page):
        start, commands, expected = first, [], []
        for number, line in enumerate(lines, first):
            if line.startswith("# => "):
                expected.append(line[5:].rstrip())
                continue
            if expected:
                yield start, commands, expected
                start, commands, expected = number, [], []
            if re.sub(r"\s+#.*", "", line).strip() not in EXEMPT:
                commands.append(line)
        yield start, commands, expected


def fresh_copy(to):
    """What git would clone, with what is not committed yet."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode:
        shutil.copytree(ROOT, to, symlinks=True, ignore=shutil.ignore_patterns("build*", ".git"))
        return
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def run(page, work, copy):
    todo = list(steps(ROOT / page))
    work.mkdir()
    script = ["set -eu", "exec </dev/null"]
    at = shlex.quote(str(work / "at"))
    for i, (line, commands, _) in enumerate(todo):
        out = shlex.quote(str(work / f"{i}.out"))
        script += [f"echo {line} >{at}", "{", *commands, ":", f"}} >{out}"]
    script.append(f"echo end >{at}")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LLM_", "PYTHON", "VIRTUAL_ENV"))}
    env |= {"PATH": f"{HERE / 'bin'}:{env['PATH']}", "LLM_DOCS_ROOT": str(ROOT)}
    with tempfile.TemporaryDirectory() as home:  # without spaces, which $(pkg-config --cflags) does not survive
        env["HOME"] = home
        done = subprocess.run(["sh", "-c", "\n".join(script)], cwd=copy, env=env, stderr=subprocess.PIPE, text=True)
    reached = (work / "at").read_text().strip()
    if reached != "end":
        last = max(work.glob("*.out"), key=lambda p: int(p.stem)).read_text(errors="replace")
        sys.exit(f"{page}: the block at line {reached} ended with {done.returncode}\n{last[-2000:]}\n{done.stderr[-4000:]}")
    for i, (line, commands, expected) in enumerate(todo):
        printed = [x.rstrip() for x in (work / f"{i}.out").read_text().splitlines()]
        if expected and printed[-len(expected) :] != expected:
            sys.exit(f"{page}, the block at line {line}:\n" + "\n".join(commands) + f"\nprinted {printed}, not {expected}")
    print(f"{page}: {len(todo)} steps")


def main():
    work, pages = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    fresh_copy(work / "libllm")
    for i, page in enumerate(pages):
        run(page, work / str(i), work / "libllm")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
