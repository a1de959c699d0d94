"""wheel_licences.py WHEEL...: puts the licences of the libraries inside a repaired wheel (auditwheel's NAME.libs folder)
into its dist-info/licenses, as Debian's packages state them. A library without one is an error."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from auditwheel.wheeltools import InWheelCtx


def package_of(library):
    """The Debian package of a bundled file: auditwheel puts a hash into its name (libpcre2-8-1a2b3c4d.so.0.11.2)."""
    name = re.sub(r"-[0-9a-f]{8}(?=\.so)", "", library.name)
    found = subprocess.run(["dpkg", "-S", f"*/{name}"], capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"{library.name}: no Debian package has {name}, so its licence is not known")
    return found.stdout.split(":")[0]


def add_licences(wheel):
    with InWheelCtx(wheel, wheel) as context:
        root = Path(context.path)
        (info,) = root.glob("*.dist-info")
        folder = info / "licenses"
        for library in sorted(root.glob("*.libs/*.so*")):
            package = package_of(library)
            folder.mkdir(exist_ok=True)
            shutil.copyfile(Path("/usr/share/doc") / package / "copyright", folder / f"{package}.txt")
            print(f"{wheel.name}: {library.name}: licence of {package}")


for path in sys.argv[1:]:
    add_licences(Path(path))
