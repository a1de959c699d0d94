#!/bin/sh
# add.sh SOURCE TEST_OBJECT LIBRARY LIBRARIES...: copies the tree, adds a family to it as one file and one line, builds what
# reads families, and runs its test. The other layers are those of LIBRARY. From the environment: CC, CXX, FLAGS (of CXX),
# BUILD_TYPE, SANITIZE.
set -eu
source=$1 object=$2 library=$3
shift 3
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$source"
cp -R CMakeLists.txt include kernels libllm pkgconfig "$tree"

cp tests/family/arch_novel.c "$tree/libllm/model"
echo "ARCH(novel)" >>"$tree/libllm/model/archs.def"

cmake -S "$tree" -B "$tree/build" -G "Unix Makefiles" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE="$BUILD_TYPE" -DLLM_SANITIZE="$SANITIZE" \
    -DLLM_BUILD_TESTS=OFF -DLLM_BUILD_EXAMPLES=OFF -DLLM_BUILD_PYTHON=OFF -DLLM_BUILD_OPENBLAS=OFF >"$tree/log" ||
    { cat "$tree/log"; exit 1; }
# fast: without the layers below it
cmake --build "$tree/build" --target llm_model/fast --parallel 2 >"$tree/log" 2>&1 || { cat "$tree/log"; exit 1; }
find "$tree/build/libllm/model" -name '*.o' >"$tree/objects"

# Objects come first: of the library only the other layers are taken.
# shellcheck disable=SC2086
"$CXX" $FLAGS "$object" $(cat "$tree/objects") "$library" "$@" -o "$tree/test"
"$tree/test"
