#!/bin/sh
# Makes the baseline of the ABI tests again, at a release: tests/abi/libllm.abi, the exported symbols and a copy of
# the headers. Needs abidw (Debian package abigail-tools).
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/abi}
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1 -DLLM_BUILD_TESTS=OFF \
    -DLLM_BUILD_EXAMPLES=OFF -DLLM_BUILD_OPENBLAS=OFF -DLLM_BUILD_PYTHON=OFF
cmake --build "$build" --target llm
library=$build/lib/libllm.so
abidw --suppressions tests/abi/types.abignore --exported-interfaces-only --no-corpus-path --no-comp-dir-path \
    --no-show-locs --out-file tests/abi/libllm.abi "$library"
{
    echo "# What libllm.so exports; made by scripts/abi_baseline.sh."
    nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
} >tests/abi/symbols.txt
rm -rf tests/abi/baseline
mkdir -p tests/abi/baseline
cp -r include/llm tests/abi/baseline/llm
