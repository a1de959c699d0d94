#!/bin/sh
# abidiff.sh BASELINE WORK_DIR: the library of build.sh, built with debug information, keeps the baseline's ABI:
# functions may be added, structures that state their size may grow. Exit code 77: no abidiff.
set -eu
baseline=$1 include=$2/source/include library=$2/build/lib/libllm.so here=$(cd "$(dirname "$0")" && pwd)
command -v abidiff >/dev/null || { echo "skipped: no abidiff here (Debian package abigail-tools)"; exit 77; }
readelf -SW "$library" | grep -q debug_info || { echo "$library has no debug information"; exit 1; }
abidiff --no-added-syms --suppressions "$here/growth.abignore" --headers-dir2 "$include" "$baseline" "$library" || {
    echo "The ABI is not that of $baseline: programs built against it may break."
    exit 1
}
