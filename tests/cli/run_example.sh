#!/bin/sh
# run_example.sh PROGRAM EXPECTED MODEL: the program must succeed, and print each line of EXPECTED.
[ -f "$3" ] || { echo "skipped: no model at $3"; exit 77; }
out=$("$1" "$3") || { echo "$1 failed"; exit 1; }
printf '%s\n' "$out"
while IFS= read -r line; do
    case $out in
    *"$line"*) ;;
    *) echo "expected: $line"; exit 1 ;;
    esac
done <"$2"
