#!/bin/sh
# headers.sh INCLUDE_DIR COMPILER LANGUAGE STANDARD: every public header, alone, is a whole translation unit
# without a warning. Exit code 77: no such compiler.
set -eu
include=$1 compiler=$2 language=$3 standard=$4
command -v "$compiler" >/dev/null || { echo "skipped: no $compiler here"; exit 77; }

n=0
for header in $(cd "$include" && find llm -name '*.h' | sort); do
    echo "#include <$header>" | "$compiler" -x "$language" -std="$standard" -pedantic-errors -Wall -Wextra -Werror \
        -Wundef -Wshadow -fsyntax-only -I"$include" - || { echo "$header does not stand alone"; exit 1; }
    n=$((n + 1))
done
[ "$n" -ge 11 ] || { echo "only $n headers in $include/llm"; exit 1; }

# Twice, and all together: guards and declarations agree.
{ (cd "$include" && find llm -name '*.h' | sort | sed 's/.*/#include <&>/'); echo "#include <llm/llm.h>"; } |
    "$compiler" -x "$language" -std="$standard" -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -I"$include" -
