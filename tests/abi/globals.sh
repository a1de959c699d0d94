#!/bin/sh
# globals.sh LIBRARY: nothing in it can be written at run time but what is named here.
set -eu
library=$1
readelf -SW "$library" | grep -q ' \.symtab ' || { echo "$library has no symbol table: built with -s?"; exit 1; }

# Sections that stay writable once the program is loaded: not .data.rel.ro, .got and their like.
sections=$(readelf -SW "$library" | sed -nE 's/^ *\[ *([0-9]+)\] \.(data|bss|tdata|tbss) .*/\1/p')
found=$(for section in $sections; do
    readelf -sW "$library" | awk -v section="$section" '$7 == section && ($4 == "OBJECT" || $4 == "TLS") { print $8 }'
done | sort -u)

for name in $found; do
    case $name in
    detail) ;;                     # base/status.c: the error text, one for each thread
    __cpu_model | __cpu_features2) ;; # of libgcc: what the CPU can do, found once
    completed.* | __dso_handle | __TMC_END__) ;; # of the compiler's start files
    *) echo "$name can be written" && failed=1 ;;
    esac
done
[ -z "${failed:-}" ]
