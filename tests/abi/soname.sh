#!/bin/sh
# soname.sh LIBRARY HEADER: the soname carries the ABI generation of version.h, and the links that lead to it are there.
set -eu
library=$1 header=$2
generation=$(sed -n 's/^#define LLM_ABI_GENERATION //p' "$header")
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ "$soname" = "libllm.so.$generation" ] || { echo "soname is \"$soname\", expected libllm.so.$generation"; exit 1; }
folder=$(dirname "$library")
for link in libllm.so "$soname"; do
    [ "$(readlink -f "$folder/$link")" = "$(readlink -f "$library")" ] || { echo "$folder/$link does not lead to it"; exit 1; }
done
readelf -d "$library" | grep NEEDED | grep -E 'blas|cuda|stdc\+\+|gomp' && { echo "libllm needs a library it must not"; exit 1; }
exit 0
