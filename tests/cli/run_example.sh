#!/bin/sh
# run_example.sh PROGRAM EXPECTED MODEL [ARGUMENT...]: the program must succeed, and print each line of EXPECTED.
program=$1 expected=$2
shift 2
out=$("$program" "$@" </dev/null) || { echo "$program failed"; exit 1; }
printf '%s\n' "$out"
while IFS= read -r line; do
    case $out in
    *"$line"*) ;;
    *) echo "expected: $line"; exit 1 ;;
    esac
done <"$expected"
