#!/bin/sh
# arm64_libraries.sh DIRECTORY: what libllm and its tests link, as Debian builds it for ARM, for cmake/aarch64.cmake.
# apt-get keeps lists of its own in that folder, so nothing of the system changes. Fails where apt-get cannot have them.
set -eu
[ -n "${1-}" ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1/apt/state/lists/partial" "$1/apt/cache/archives/partial" "$1/apt/debs"
root=$(cd "$1" && pwd)
[ ! -e "$root/complete" ] || exit 0
: >"$root/apt/status"
apt() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
        -o Dir::State="$root/apt/state" -o Dir::State::status="$root/apt/status" -o Dir::Cache="$root/apt/cache" "$@" >&2
}
cd "$root/apt/debs"
apt update
apt download libjansson-dev libjansson4 libpcre2-dev libpcre2-8-0 libutf8proc-dev libutf8proc2 libgtest-dev
for package in *.deb; do dpkg-deb -x "$package" "$root"; done
rm -rf "$root/apt"
: >"$root/complete"
