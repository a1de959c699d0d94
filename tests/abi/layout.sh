#!/bin/sh
# layout.sh BASELINE_DIR INCLUDE_DIR WORK_DIR: every structure member and every constant of the baseline's headers is
# where and what it was. Structures that begin with struct_size may be larger now, the others not.
set -eu
baseline=$1 include=$2 work=$3
mkdir -p "$work"

# "struct S", "member S M", "constant C" for what the headers declare, a member a line.
for header in "$baseline"/llm/*.h; do
    cc -fpreprocessed -E -P -w "$header" # without comments
done | awk '
    /^typedef struct llm_[a-z_]+ \{/ { type = $3; versioned = 0 }
    /^enum \{/ { constants = 1 }
    type && /;/ && !/^\}/ {
        name = $0
        if (name ~ /\(\*/) { sub(/^[^(]*\(\*/, "", name); sub(/\).*/, "", name) }
        gsub(/\[.*|;.*/, "", name); sub(/.*[ *]/, "", name)
        if (name == "struct_size") versioned = 1
        print "member", type, name
    }
    type && /^\}/ { if (!versioned) print "struct", type; type = "" }
    constants { while (match($0, /LLM_[A-Z0-9_]+ = /)) { print "constant", substr($0, RSTART, RLENGTH - 3)
                                                          $0 = substr($0, RSTART + RLENGTH) } }
    constants && /\};/ { constants = 0 }
' >"$work/list"
[ "$(grep -c member "$work/list")" -ge 80 ] && [ "$(grep -c constant "$work/list")" -ge 60 ] ||
    { echo "too little was found in $baseline"; exit 1; }

{
    printf '#include <llm/llm.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n'
    sed -E 's/^member (.*) (.*)/printf("\1.\2 at %zu, %zu bytes\\n", offsetof(\1, \2), sizeof(((\1 *)0)->\2));/
        s/^struct (.*)/printf("\1 %zu bytes\\n", sizeof(\1));/
        s/^constant ([A-Z0-9_]*).*/printf("\1 = %ld\\n", (long)\1);/' "$work/list"
    printf 'return 0;\n}\n'
} >"$work/layout.c"
cc -std=c99 -I"$baseline" "$work/layout.c" -o "$work/then" && "$work/then" >"$work/then.text"
cc -std=c99 -I"$include" "$work/layout.c" -o "$work/now" && "$work/now" >"$work/now.text"
diff -u "$work/then.text" "$work/now.text" || { echo "programs built against the baseline (-) would misread this (+)"; exit 1; }
