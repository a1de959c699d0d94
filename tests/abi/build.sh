#!/bin/sh
# build.sh SOURCE_DIR WORK_DIR [grow]: builds WORK_DIR/build/lib/libllm.so with debug information. With "grow", as a
# later release may be: every structure that states its size has grown at its end.
set -eu
source=$1 work=$2 grow=${3:-}
rm -rf "$work"
mkdir -p "$work/source"
for part in CMakeLists.txt include libllm kernels pkgconfig; do
    cp -r "$source/$part" "$work/source/"
done
if [ "$grow" ]; then
    find "$work/source/include" -name '*.h' -exec sed -i -E \
        's/^\} llm_([a-z_]+_(options|info|stats)|engine_memory);/    int32_t grown_by;\n    double grown_to[8];\n&/' {} +
    n=$(grep -rh grown_by "$work/source/include" | wc -l)
    [ "$n" -ge 9 ] || { echo "$n structures have grown, expected 9 or more"; exit 1; }
fi
cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1 -DLLM_BUILD_TESTS=OFF \
    -DLLM_BUILD_EXAMPLES=OFF -DLLM_BUILD_OPENBLAS=OFF -DLLM_BUILD_PYTHON=OFF >"$work/build.log"
cmake --build "$work/build" --target llm -j 2 >>"$work/build.log" || { tail -n 40 "$work/build.log"; exit 1; }
