#!/bin/sh
# plugin_path.sh LIBRARY INCLUDE_DIR SOURCE_DIR FOLDER: libllm opened by a relative path looks for plug-ins beside itself,
# also when the host has gone to a folder that holds other ones under the same relative path.
set -eu
rm -rf "$4" && mkdir -p "$4/lib" "$4/evil/lib"
cp "$1" "$4/lib/libllm.so.0"
cc -shared -fPIC -DMESSAGE='"code of the other folder"' "$3/evil.c" -o "$4/evil/lib/libllm-openblas.so"
cc "$3/relative.c" -I"$2" -o "$4/relative" -ldl
cd "$4"
plugin=$PWD/lib/libllm-openblas.so
check() { # by which way; what was said
    case $2 in
    "$plugin: no such file") ;;
    *) echo "$1: $2, expected $plugin" && exit 1 ;;
    esac
}
check dlopen "$(./relative ./lib/libllm.so.0 "$PWD/evil" 2>&1)"
check LD_LIBRARY_PATH "$(LD_LIBRARY_PATH=lib ./relative libllm.so.0 "$PWD/evil" 2>&1)"
check plugin_dir "$(./relative ./lib/libllm.so.0 "$PWD/evil" lib 2>&1)"
