#!/bin/sh
# exports.sh LIBRARY LIST: the library exports exactly the symbols of LIST, all under one version node.
set -eu
library=$1 list=$2
found=$(mktemp)
trap 'rm -f "$found"' EXIT

nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort >"$found"
if grep -v '^llm_[a-z0-9_]*@@LLM_0$' "$found"; then
    echo "the symbols above are not llm_*@@LLM_0"
    exit 1
fi
sed -i 's/@.*//' "$found"
grep -v '^#' "$list" | diff -u - "$found" || {
    echo "The exported symbols (+) are not those of $list (-). A function that went away breaks every"
    echo "program that calls it; a new one is added to the list by scripts/abi_baseline.sh."
    exit 1
}
