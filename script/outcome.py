"""Say how a pytest run ended: what was skipped and why, by reason, and one closing line of counts.

Usage: python script/outcome.py RESULTS.xml (the file that ``pytest --junit-xml`` writes)
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def main(path: Path) -> None:
    """Print the outcome recorded in ``path``."""
    if not path.exists():
        sys.exit("The tests did not run to their end, so nothing can be said of what was skipped.")
    passed = failed = 0
    reasons: Counter[str] = Counter()
    for case in ElementTree.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skipped is not None and skipped.get("type") == "pytest.skip":
            reasons[skipped.get("message", "").removeprefix("Skipped: ")] += 1
        else:
            passed += 1
    if not reasons:
        print("No test was skipped.")
    for reason, count in reasons.most_common():
        print(f"Skipped {count} {'test' if count == 1 else 'tests'}: {reason}")
    print(f"{passed} passed, {failed} failed, {reasons.total()} skipped")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
