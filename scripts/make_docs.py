"""Write the page of every check and every cause, from the same text that ``torchdoctor explain`` prints.

usage: python scripts/make_docs.py [--check]    (--check: exit 1 where a page is not what it should be)
"""

from __future__ import annotations

import sys
from pathlib import Path

from torchdoctor.causes import catalogue
from torchdoctor.engine.describe import Description, descriptions
from torchdoctor.model import Cause
from torchdoctor.report.check_pages import sections
from torchdoctor.template import fill_or

DOCS = Path(__file__).resolve().parent.parent / "docs"


def check_page(check: Description) -> str:
    """The Markdown page of a check."""
    lines = [f"# {check.code} {check.name}", "", f"Group: {check.group}", ""]
    for label, text in sections(check.doc):
        lines += [f"**{label}.** {text}" if label else text, ""]
    lines += [
        "Run it alone:",
        "",
        "```",
        f"torchdoctor run -v {check.name}",
        "```",
        "",
        f"Source: [checks/{Path(check.file).name}](../../checks/{Path(check.file).name})",
    ]
    return "\n".join(lines) + "\n"


def cause_page(cause: Cause, family: str) -> str:
    """The Markdown page of a cause."""
    nothing: dict[str, str] = {}
    lines = [
        f"# {cause.slug}",
        "",
        fill_or(cause.title, nothing) + ".",
        "",
        f"Family: {family}" + (" (an echo of another failure)" if cause.consequence else ""),
        "",
    ]
    lines += ["## Why", "", fill_or(cause.why, nothing), "", "## What to do", ""]
    for number, fix in enumerate(cause.fixes, 1):
        condition = f" (where {' and '.join(fix.when.split())})" if fix.when else ""
        lines.append(f"{number}. {fill_or(fix.do, nothing)}{condition} — {fix.who}, {fix.risk}")
        block = [*(fill_or(command, nothing) for command in fix.commands), *([fill_or(fix.code, nothing)] if fix.code else [])]
        if block:
            lines += ["", "   ```", *(f"   {line}" for text in block for line in text.splitlines()), "   ```", ""]
    if cause.wrong_advice:
        lines += ["", "## What does not help", "", fill_or(cause.wrong_advice, nothing)]
    if cause.examples:
        lines += ["", "## How it shows", "", "```", *cause.examples[0].strip("\n").splitlines(), "```"]
    if cause.explains:
        lines += ["", "Explains: " + ", ".join(f"[{slug}]({slug}.md)" for slug in cause.explains)]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    known = catalogue()
    made = {DOCS / "checks" / f"{check.code}.md": check_page(check) for check in descriptions()}
    made |= {DOCS / "causes" / f"{slug}.md": cause_page(cause, known.families[slug]) for slug, cause in known.causes.items()}
    index = ["# Checks", "", *(f"- [{c.code} {c.name}]({c.code}.md): {c.title}" for c in descriptions())]
    made[DOCS / "checks" / "README.md"] = "\n".join(index) + "\n"
    by_family: dict[str, list[str]] = {}
    for slug, family in known.families.items():
        by_family.setdefault(family, []).append(slug)
    lines = ["# Causes", ""]
    for family, slugs in sorted(by_family.items()):
        lines += [
            f"## {family.replace('_', ' ')}",
            "",
            *(f"- [{s}]({s}.md): {fill_or(known.causes[s].title, {})}" for s in sorted(slugs)),
            "",
        ]
    made[DOCS / "causes" / "README.md"] = "\n".join(lines)
    return made


def main() -> int:
    """Write the pages, or say which are stale."""
    made = pages()
    present = {path for folder in ("checks", "causes") for path in (DOCS / folder).glob("*.md")}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    gone = sorted(present - set(made))
    if "--check" in sys.argv:
        for path in (*stale, *gone):
            print(f"not up to date: {path.relative_to(DOCS.parent)} (python scripts/make_docs.py)")
        return 1 if stale or gone else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8")
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
