#!/bin/sh
# From a bare Debian 12 to a model that writes: installs what is missing, builds into build/, streams text.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
need_packages $PACKAGES_BUILD

cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DLLM_BUILD_TESTS=OFF -DLLM_BUILD_OPENBLAS=OFF >build.log 2>&1 &&
    cmake --build build >>build.log 2>&1 || { cat build.log >&2; exit 1; }
rm -f build.log

llm=build/bin/llm
model=examples/models/tiny-reasoner.gguf
[ -f "$model" ] || model=../shared/data/models/stories260K/stories260K-f32.gguf
if [ ! -f "$model" ]; then
    echo "No model found at $model. Pass any GGUF file to the command: $llm generate MODEL.gguf -p 'Once upon a time'" >&2
    exit 1
fi

"$llm" generate "$model" -p "Once upon a time" --echo -n 200
cat <<END

Try next:
  $llm ask $model "Tom has 34 apples. He buys 8 more and gives 5 to Ann. How many apples does he have?" --cot zero --extract number
  $llm chat $model --system "You are a pirate."
  sh tests/run.sh            # every test
END
