#!/bin/sh
# locale.sh PROGRAM SOURCE_DIR FOLDER: the tour under a locale with a decimal comma, made here if localedef can. 77: skipped.
set -eu
mkdir -p "$3/locales"
localedef -i de_DE -f UTF-8 "$3/locales/de_DE.UTF-8" 2>/dev/null || {
    [ -d "$3/locales/de_DE.UTF-8" ] || { echo "localedef or the source of de_DE (package locales) is missing"; exit 77; }
}
LOCPATH=$3/locales exec "$1" locale "$2" "$3"
