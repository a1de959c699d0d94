#!/bin/sh
# hardening.sh FILE...: what of the loader's and the compiler's protection a finished file has. Full RELRO, bound at load,
# no executable stack, no writable and executable segment, position independent, no library path that depends on the
# working directory, CET; stack protector and FORTIFY show in what it imports.
set -eu
fault() {
    echo "$file: $1"
    failed=1
}
for file in "$@"; do
    headers=$(readelf -W -l -d -h "$file")
    has() { echo "$headers" | grep -Eq "$1"; }
    has "GNU_RELRO" || fault "no RELRO"
    has "FLAGS.*NOW" || fault "functions are bound when they are called first"
    has "GNU_STACK.* RW " || fault "the stack is executable"
    ! has "LOAD.* RWE " || fault "a segment can be written and executed"
    has "Type: +DYN" || fault "not position independent"
    ! has "TEXTREL" || fault "relocations in code"
    case $(echo "$headers" | sed -nE 's/.*\((RPATH|RUNPATH)\).*\[(.*)\]/:\2:/p') in
    *::* | *:[!/:]*) fault "a library path that depends on the working directory" ;;
    esac
    # The note that the loader asks for is lost where the C library's own start files do not have it; so the code is looked at.
    if [ "$(uname -m)" = x86_64 ]; then
        objdump -d --stop-address=0x20000 "$file" | grep -q endbr64 || fault "no CET (-fcf-protection)"
    fi
    imports=$(nm -D --undefined-only "$file")
    case $imports in *__stack_chk_fail*) ;; *) fault "no stack protector" ;; esac
    case $imports in *_chk@*) ;; *) fault "no FORTIFY" ;; esac
done
[ -z "${failed:-}" ]
