"""README's table of speed says what docs/performance.md measured."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
import summary  # noqa: E402

found = summary.sections((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"))
table = "\n".join(summary.table(found))
if table not in (ROOT / "README.md").read_text(encoding="utf-8"):
    sys.exit(f"README.md lacks this table of docs/performance.md (tests/bench/summary.py):\n{table}")
