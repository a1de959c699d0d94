# Sourced by the two entry scripts: makes sure that the Debian packages named in "$@" are there.
# Installs them with apt-get as root or through sudo; otherwise names them and stops. Where there is no dpkg, the check
# is passed over: CMake names what it does not find.
need_packages() {
    command -v dpkg-query >/dev/null 2>&1 || {
        echo "This system has no dpkg. What Debian calls these packages is needed: $*" >&2
        return 0
    }
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        echo "These Debian packages are missing; please install them (as root) and run this again:" >&2
        echo "    apt-get install$missing" >&2
        exit 1
    fi
    echo "Installing:$missing" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}

PACKAGES_BUILD="gcc g++ libc6-dev cmake ninja-build pkg-config libjansson-dev libedit-dev libpcre2-dev libutf8proc-dev"
PACKAGES_TEST="clang libclang-rt-14-dev libgtest-dev libopenblas-dev abigail-tools binutils git python3"
PACKAGES_TEST="$PACKAGES_TEST python3-venv python3-dev swig chromium chromium-driver"
PACKAGES_ARM="gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user"
