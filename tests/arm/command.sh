#!/bin/sh
# command.sh WORDS NATIVE MODEL EMULATED...: the emulated llm command computes with the instruction sets that WORDS
# name, and writes the same tokens as the native command. Exit code 77: skipped, and why.
set -eu
words=$1 native=$2 model=$3
shift 3
"$@" backends | grep -x "cpu  *usable  *$words" || {
    echo "expected: $words; found:"
    "$@" backends
    exit 1
}
[ -x "$native" ] || { echo "skipped: $native is not there to compare with"; exit 77; }
for prompt in "Once upon a time" "One day, Lily went to" "The dog and the cat"; do
    expected=$("$native" generate "$model" -p "$prompt" -n 60)
    found=$("$@" generate "$model" -p "$prompt" -n 60)
    echo "$found"
    [ "$found" = "$expected" ] || { echo "expected: $expected"; exit 1; }
done
