"""Adds up the reports of GoogleTest and pytest. Prints what failed and the closing line; exit 1 if anything did.

usage: totals.py REPORTS ["failed step|its report"]...

A failed step whose report shows no failed test (a crash, a formatting error) counts as one failure itself.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def read(report: Path) -> tuple[int, int, list[str]]:
    """Passed, skipped, and the names of failed tests of one XML report."""
    passed, skipped, failures = 0, 0, []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, skipped, failures


def main(folder: str, failed_steps: list[str]) -> int:
    passed, skipped, failures = 0, 0, {}
    for report in sorted(Path(folder).glob("*.xml")):
        try:
            p, s, failures[report.name] = read(report)
            passed, skipped = passed + p, skipped + s
        except ElementTree.ParseError:
            failures[report.name] = [f"{report.name}: cut off; the program died while it wrote it"]
    names = [name for each in failures.values() for name in each]
    for step in failed_steps:
        label, _, report = step.partition("|")
        if not failures.get(report):
            names.append(label)
    if names:
        print("\nfailed:", *names, sep="\n  ")
    print(f"\n{passed} passed, {len(names)} failed, {skipped} skipped")
    return 0 if passed and not names else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
