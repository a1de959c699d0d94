#!/bin/sh
# globals.sh LIBRARY: nothing in it can be written at run time but what is allowed here.
set -eu
library=$1
# The error text of the calling thread (in .tbss); what the CPU can do, found once; the compiler's own.
allowed='^(llmi_status_thread|completed\.[0-9]+|__dso_handle|__TMC_END__|_edata|_end|__bss_start)$'

# Sections that are writable once the dynamic linker is done: not .data.rel.ro, .got and their like.
found=$(readelf -SW "$library" | sed -n 's/^ *\[ *\([0-9]*\)\] \(\.[a-z]*\) .*/\1 \2/p' |
    awk '$2 == ".data" || $2 == ".bss" || $2 == ".tdata" || $2 == ".tbss" { print $1 }')
[ "$(readelf -sW "$library" | grep -c OBJECT)" -gt 0 ] || { echo "$library has no symbol table: built with -s?"; exit 1; }
for section in $found; do
    readelf -sW "$library" | awk -v section="$section" '$7 == section && ($4 == "OBJECT" || $4 == "TLS") { print $8, $3 }'
done | sort -u | grep -vE "${allowed%\$} [0-9]*\$" && { echo "the globals above can be written"; exit 1; }
exit 0
