#!/bin/sh
# From a bare Debian 12 to a model that writes: installs what is missing, builds into build/, streams text.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
need_packages $PACKAGES_BUILD

quietly() { # what is printed only when the command fails; ninja's one line of progress shows in a terminal
    if [ -t 1 ]; then "$@"; else "$@" >build.log 2>&1 || { cat build.log >&2 && exit 1; } fi
}
echo "Building the library and the command in build/: a minute or two on 2 cores."
started=$(date +%s)
quietly cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DLLM_BUILD_TESTS=OFF -DLLM_BUILD_OPENBLAS=OFF
quietly cmake --build build
rm -f build.log
echo "Built in $(($(date +%s) - started)) s. A model of examples/models writes:"
echo

llm=build/bin/llm
model=examples/models/tiny-reasoner.gguf
"$llm" generate "$model" -p "Once upon a time" --echo -n 400
cat <<END

Try next:
  $llm ask $model "Tom has 34 apples. He buys 8 more and gives 5 to Ann. How many apples does he have?" --cot zero --extract number
  $llm chat $model --system "You are a pirate."
  sh tests/run.sh            # every test
A model of your own: docs/get-a-model.md
END
