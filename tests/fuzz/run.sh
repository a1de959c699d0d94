#!/bin/sh
# Runs every libFuzzer program for SECONDS: tests/fuzz/run.sh SECONDS [BUILD_FOLDER [NAME...]]
# BUILD_FOLDER was configured with clang and -DLLM_BUILD_FUZZERS=ON. New inputs collect in BUILD_FOLDER/fuzz/NAME, what
# crashes in BUILD_FOLDER/fuzz/crash-NAME-*.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:?usage: run.sh SECONDS [BUILD_FOLDER [NAME...]]}
build=${2:-$here/../../build/asan}
[ $# -ge 2 ] && shift 2 || shift $#
[ $# -gt 0 ] || set -- $(cd "$here" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
failed=
for name in "$@"; do
    mkdir -p "$build/fuzz/$name"
    echo "== $name"
    dict=
    [ ! -f "$here/$name.dict" ] || dict="-dict=$here/$name.dict"
    "$build/bin/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 \
        -max_len=20000 -print_final_stats=1 -verbosity=0 -artifact_prefix="$build/fuzz/crash-$name-" $dict \
        "$build/fuzz/$name" "$here/corpus/$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "findings in:$failed"; exit 1; }
