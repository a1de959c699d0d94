#!/bin/sh
# add.sh SOURCE OBJECTS LIBRARIES: copies the tree, adds a family to it as one file and one line, builds what reads families,
# and runs its test, which is linked of OBJECTS and LIBRARIES; of libllm.a among them it takes the other layers. From the
# environment: CC, CXX, FLAGS (of CXX), BUILD_TYPE, SANITIZE.
set -eu
source=$1
shift
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

# shellcheck disable=SC2046,SC2086
"$CXX" $FLAGS $(cat "$tree/objects") "$@" -o "$tree/test"
"$tree/test"
