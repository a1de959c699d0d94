#!/bin/sh
# clang-format (version 14) would change no tracked C or C++ file: format.sh ROOT. Exit code 77: skipped, and why.
set -eu
cd "$1"
tool=
for name in clang-format-14 clang-format; do
    command -v "$name" >/dev/null 2>&1 && "$name" --version | grep -q "version 14\." && tool=$name && break
done
[ -n "$tool" ] || { echo "clang-format 14 is not installed"; exit 77; }
git rev-parse --git-dir >/dev/null 2>&1 || { echo "no git checkout: which files are ours is not known"; exit 77; }
# A baseline is a copy that never changes.
git ls-files '*.c' '*.h' '*.cc' '*.cpp' | grep -v '^tests/abi/baseline/' | xargs "$tool" --dry-run -Werror
