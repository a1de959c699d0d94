#!/bin/sh
# old_client.sh WORK_DIR MODEL LIBRARY...: the program old_client.c, compiled against the headers of the baseline and
# the first library, runs with each of them.
set -eu
work=$1 model=$2 here=$(cd "$(dirname "$0")" && pwd)
shift 2
mkdir -p "$work"
cc -std=c99 -Wall -Wextra -Werror -g "$here/old_client.c" -o "$work/old_client" -I"$here/baseline" "$1" -lm
for library in "$@"; do
    soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    LD_LIBRARY_PATH=$(dirname "$library")
    export LD_LIBRARY_PATH
    ldd "$work/old_client" | grep -q "$soname => $LD_LIBRARY_PATH/" || { echo "it would not run with $library"; exit 1; }
    "$work/old_client" "$model" || { echo "with $library"; exit 1; }
done
