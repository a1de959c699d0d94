#!/bin/sh
# installed.sh BUILD_DIR WORK_DIR MODEL: installs into a prefix, moves it, and builds and runs small programs against
# what lies there: C99 and C++11, by pkg-config and by CMake, shared and static.
set -eu
build=$1 work=$2 model=$3 here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$work"
mkdir -p "$work"
cd "$work"

cmake --install "$build" --prefix "$work/first" >install.log
mv first prefix # nothing that was installed may name the place
prefix=$work/prefix
pc=$(find "$prefix" -name libllm.pc)
export PKG_CONFIG_PATH="${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
libdir=$(pkg-config --variable=libdir libllm)
warnings="-Wall -Wextra -Werror -pedantic-errors"

# shellcheck disable=SC2046,SC2086
{
    cc -std=c99 $warnings "$here/consumer/generate.c" -o pc_shared_c $(pkg-config --cflags --libs libllm)
    c++ -std=c++11 $warnings "$here/consumer/generate.cpp" -o pc_shared_cpp $(pkg-config --cflags --libs libllm)
    cc -std=c99 $warnings "$here/consumer/generate.c" -o pc_static_c $(pkg-config --cflags libllm) "$libdir/libllm.a" \
        $(pkg-config --static --libs libllm | sed 's/-lllm//')
}
cmake -S "$here/consumer" -B cmake -DCMAKE_PREFIX_PATH="$prefix" >cmake.log
cmake --build cmake >>cmake.log

for program in pc_static_c cmake/cmake_static_c cmake/cmake_static_cpp; do
    ldd "$program" | grep libllm && { echo "$program is not linked statically"; exit 1; }
done
for program in pc_shared_c pc_shared_cpp pc_static_c cmake/cmake_llm_c cmake/cmake_llm_cpp cmake/cmake_static_c \
    cmake/cmake_static_cpp; do
    name=$(basename "$program")
    LD_LIBRARY_PATH="$libdir" "./$program" "$model" "$name.text" >"$name.printed" 2>&1 || {
        echo "$program ended with $?"
        exit 1
    }
    [ ! -s "$name.printed" ] || { echo "$program: the library printed:" && cat "$name.printed" && exit 1; }
    [ -s "$name.text" ] && cmp "$name.text" pc_shared_c.text || { echo "$program wrote something else"; exit 1; }
done
