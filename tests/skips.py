#!/usr/bin/env python3
"""skips.py REPORT.xml: which tests of a CTest run (--output-junit) were skipped, counted by reason."""
import collections
import re
import sys
import xml.etree.ElementTree as xml

# What differs from test to test in texts that give the same reason.
SAME = [
    (re.compile(r"^needs the shared data \(.*?\)"), "needs the shared data, which a clone does not bring"),
    (re.compile(r"^(\S*/)+(?=[^/\s]+)"), ""),
    (re.compile(r"\s+"), " "),
]


def reason(output: str) -> str:
    """GoogleTest puts it after a line "FILE:LINE: Skipped"; a script says it last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for i, line in enumerate(lines[:-1]):
        if re.search(r":\d+: Skipped$", line):
            return lines[i + 1]
    return lines[-1].removeprefix("skipped: ") if lines else "says no reason"


def same(text: str) -> str:
    for pattern, instead in SAME:
        text = pattern.sub(instead, text)
    return text[:150]


def count(path: str) -> tuple[int, collections.Counter]:
    """Tests of the run; skipped ones by reason, those inside a pytest run one by one."""
    found: collections.Counter = collections.Counter()
    cases = xml.parse(path).getroot().findall(".//testcase")
    for case in cases:
        output = case.findtext("system-out") or ""
        if case.find("skipped") is not None or case.get("status") == "notrun":
            found[same(reason(output))] += 1
        for n, why in re.findall(r"^SKIPPED \[(\d+)\] [^:]+(?::\d+)?: (.*)$", output, re.M):
            found[same(why)] += int(n)
    return len(cases), found


def main() -> int:
    total, found = count(sys.argv[1])
    print(f"{sum(found.values())} skipped beside {total} tests of this run" + (":" if found else "."))
    for why, n in found.most_common():
        print(f"{n:6}  {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
