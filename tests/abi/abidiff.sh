#!/bin/sh
# abidiff.sh BASELINE LIBRARY: the library, built with debug information, keeps the baseline's ABI: functions may be
# added, and layout.sh looks after the structures that may grow. Exit code 77: no abidiff.
set -eu
baseline=$1 library=$2 here=$(cd "$(dirname "$0")" && pwd)
command -v abidiff >/dev/null || { echo "skipped: no abidiff here (Debian package abigail-tools)"; exit 77; }
readelf -SW "$library" | grep -q debug_info || { echo "$library has no debug information"; exit 1; }
abidiff --no-added-syms --suppressions "$here/types.abignore" "$baseline" "$library" || {
    echo "The ABI is not that of $baseline: programs built against it may break."
    exit 1
}
