"""Write docs/checks-table.md: every check with what it reads, its thresholds, their source, and what in the tests makes it fire.

usage: python scripts/make_checks_table.py [--check]    (--check: exit 1 where the table is not what it should be)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from torchdoctor import gpu_tables
from torchdoctor.declare import Check
from torchdoctor.engine.discover import Found, discover
from torchdoctor.report.check_pages import sections

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "checks-table.md"
HEAD = """# All checks

Made by `scripts/make_checks_table.py`; do not edit.

"Reads" names the facts a check judges and, in brackets, the lane of the probe that reads each: *host* (the doctor's own interpreter, no torch),
*patient*, *torch*, *device*, *group*. "Fired by" names scenarios of the simulated NVIDIA driver (`tests/simulated/nvml/faults.ini`, in
quotation marks) or the tests that make the check speak.

"""


def cell(text: str) -> str:
    """A text that a Markdown table can hold."""
    return " ".join(text.split()).replace("|", "\\|") or "-"


def scenarios() -> dict[str, list[str]]:
    """The scenarios of the simulated driver by the check that they must fire."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "tests/simulated/nvml/faults.ini").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line.startswith("expect = "):
            found.setdefault(line.split()[2], []).append(f'"{name}"')
    return found


def tests_of(check: Check) -> list[str]:
    """The first test file that imports the check's file, or else names the check."""
    module = check.module.rpartition(".")[2]
    files = [*sorted((ROOT / "tests/unit").glob("test_checks_*.py")), *sorted((ROOT / "tests").rglob("test_*.py"))]
    for wanted in (rf"checks\.{module} import", rf"[\"']{re.escape(check.name)}[\"']"):
        found = next((path for path in files if re.search(wanted, path.read_text(encoding="utf-8"))), None)
        if found is not None:
            return [found.relative_to(ROOT / "tests").as_posix()]
    return []


def reads(check: Check, found: Found) -> str:
    """The facts that a check asks for, with the lane of each one's probe."""
    lanes = {probe.fact: probe.lane + (", --full" if probe.full else "") for probe in found.probes}
    return "; ".join(f"{need.fact.__name__} ({lanes.get(need.fact, 'none')})" for need in check.needs.values())


def page(found: Found) -> str:
    """The whole page."""
    fired = scenarios()
    lines = [HEAD.rstrip("\n"), ""]
    group = ""
    for check in found.checks:
        if check.group != group:
            group = check.group
            lines += [
                "",
                f"## {group}",
                "",
                "| code | check | finds out whether | reads | thresholds | source | fired by |",
                "|---|---|---|---|---|---|---|",
            ]
        told = {label.lower(): text for label, text in sections(check.doc)}
        by = fired.get(check.name, []) or tests_of(check)
        row = [
            check.code,
            f"[{check.name}](checks/{check.code}.md)",
            check.title.rstrip("."),
            reads(check, found),
            told.get("thresholds", ""),
            told.get("source", ""),
            ", ".join(by),
        ]
        lines.append("| " + " | ".join(cell(text) for text in row) + " |")
    lines += [
        "",
        "## Thresholds of GPU health",
        "",
        '`torchdoctor/data/thresholds.tsv`; set others in `[tool.torchdoctor.thresholds]` (`name` or `"name@model"`).',
        "",
    ]
    lines += ["| name | model | value | meaning | source | date |", "|---|---|---|---|---|---|"]
    for entry in gpu_tables.rows("thresholds"):
        value = f"{entry['value']} {entry['unit']}"
        lines.append(
            "| "
            + " | ".join(cell(t) for t in (entry["name"], entry["model"], value, entry["meaning"], entry["source"], entry["date"]))
            + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the table, or compare it."""
    text = page(discover(plugins=False))
    if "--check" in sys.argv[1:]:
        same = TABLE.is_file() and TABLE.read_text(encoding="utf-8") == text
        if not same:
            print("docs/checks-table.md is not up to date: python scripts/make_checks_table.py", file=sys.stderr)
        return 0 if same else 1
    TABLE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
