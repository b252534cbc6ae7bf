"""The report for a person at a terminal: the verdict, then problems with what was seen and what to do.

A clean machine prints two lines. Text from outside is made harmless and never wrapped where it is a command.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Sequence

from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Report, Status
from torchdoctor.report import fold
from torchdoctor.report.safe import safe, safe_line
from torchdoctor.report.terminal import WORDS, Terminal

Piece = tuple[str, str]
"""Text and its style (a name of ``_STYLES``, or empty)."""

_STYLES = {
    "pass": "green",
    "skip": "dim",
    "info": "cyan",
    "warn": "yellow",
    "error": "magenta",
    "fail": "bold red",
    "group": "bold",
    "label": "dim",
    "command": "cyan",
    "strong": "bold",
}
_VERDICTS = {"pass": Status.PASS, "warn": Status.WARN, "error": Status.ERROR, "fail": Status.FAIL}
_MOST_EVIDENCE = 3
_MOST_LINES = 6
_INDENT = 6
_LABEL = 6  # columns of "seen  ", "fix   "


@functools.cache
def _style(name: str) -> object:
    from rich.style import Style  # here, because a run without colours need not load it

    return Style.parse(_STYLES[name])


def _painted(text: str, name: str) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    style = _style(name)
    assert isinstance(style, Style)
    return style.render(text, color_system=ColorSystem.STANDARD)


class _Page:
    """Lines of styled pieces, wrapped to the terminal's width."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.glyphs = terminal.glyphs
        self.lines: list[list[Piece]] = []

    def add(self, *pieces: Piece) -> None:
        """One line as it is."""
        self.lines.append(list(pieces))

    def prose(self, text: str, indent: int = 0, first: Sequence[Piece] = (), style: str = "", tail: str = "") -> None:
        """A paragraph. ``first`` stands before it on its first line; the others are indented by ``indent`` columns; ``tail`` stays whole."""
        used = sum(len(piece) for piece, _ in first)
        kept = tail.replace(" ", "\0")  # not white space for textwrap; a NUL of the text itself was made visible
        wrapped = textwrap.wrap(
            f"{safe_line(text)} {kept}".strip(),
            self.terminal.width,
            initial_indent=" " * used,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
        wrapped = [line.replace("\0", " ") for line in wrapped]
        self.add(*first, (wrapped[0][used:] if wrapped[0].strip() else "", style))
        for line in wrapped[1:]:
            self.add((" " * indent, ""), (line[indent:], style))

    def verbatim(self, text: str, indent: int, style: str = "") -> None:
        """Lines that must not be wrapped, because somebody will paste them."""
        for line in safe(text).splitlines():
            self.add((" " * indent, ""), (line, style))

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append([])

    def text(self) -> str:
        paint = self.terminal.colour
        lines = ["".join(_painted(t, s) if paint and s and t else t for t, s in line) for line in self.lines]
        return self.terminal.fit("\n".join(line.rstrip() for line in lines).strip("\n"))


def _head(page: _Page, report: Report, verbose: bool) -> None:
    status = _VERDICTS.get(report.verdict, Status.ERROR)
    glyph = page.glyphs.of(status)
    page.prose(report.summary, 2, [(f"{glyph} ", status.word)], "strong" if status == Status.PASS else status.word)
    dot = f" {page.glyphs.dot} "
    line = ""
    for part in [fold.counts(report, skipped=verbose), *fold.identity(report, short=not verbose)]:
        part = safe_line(part)
        if line and len(line) + len(dot) + len(part) > page.terminal.width:
            page.prose(line, style="label")
            line = part
        else:
            line = line + dot + part if line else part
    page.prose(line, style="label")


def _labelled(page: _Page, label: str, text: str) -> None:
    page.prose(text, _INDENT + _LABEL, [(" " * _INDENT, ""), (label.ljust(_LABEL), "label")])


def _evidence(page: _Page, evidence: Sequence[Evidence], verbose: bool) -> None:
    most = len(evidence) if verbose or len(evidence) == _MOST_EVIDENCE + 1 else _MOST_EVIDENCE
    for number, seen in enumerate(evidence[:most]):
        label = "seen" if number == 0 else ""
        lines = [line for line in safe(seen.text).splitlines() if line.strip()]
        if len(lines) < 2:
            _labelled(page, label, f"{seen.source}: {seen.text}")
            continue
        shown = lines if verbose else lines[-_MOST_LINES:]
        left = len(lines) - len(shown)
        _labelled(page, label, seen.source + (f" (the last {len(shown)} of {len(lines)} lines):" if left else ":"))
        for line in shown:
            page.verbatim(line, _INDENT + _LABEL + 2)
    if len(evidence) > most:
        _labelled(page, "", f"{len(evidence) - most} more: torchdoctor run -v shows them")


def _fix(page: _Page, number: int, fix: Fix) -> None:
    _labelled(page, "or" if number else "fix", f"{fix.do} ({fold.cost(fix)})")
    for text in (*fix.commands, *([fix.code] if fix.code else [])):
        page.verbatim(text, _INDENT + 2, "command")


def _findings(page: _Page, findings: Sequence[Finding], several: bool, verbose: bool) -> None:
    """Findings in full; what several in a row have in common to do is said once, after the last of them."""
    needs = [(finding.fixes, finding.status in fold.PROBLEMS) for finding in findings]
    for finding, need, after in zip(findings, needs, [*needs[1:], None]):
        _finding(page, finding, several, verbose)
        if need == after:
            continue
        for number, fix in enumerate(finding.fixes):
            _fix(page, number, fix)
        if need == ((), True):
            _labelled(page, "fix", "no known fix")


def _finding(page: _Page, finding: Finding, several: bool, verbose: bool) -> None:
    first: list[Piece] = [(" " * _INDENT, "")]
    if several:
        first.append((f"{page.glyphs.of(finding.status)} {WORDS[finding.status]}: ", finding.status.word))
    cause = f" [{finding.cause}]" if finding.cause else ""
    page.prose(fold.headline(finding) + cause, _INDENT, first, "strong")
    _evidence(page, finding.evidence, verbose)


def _title(page: _Page, result: CheckResult) -> list[Piece]:
    word = WORDS[result.status]
    return [
        (f"  {page.glyphs.of(result.status)} {word}".ljust(8) + "  ", result.status.word),
        (f"{safe_line(result.code)} {safe_line(result.check)}", ""),
    ]


def _block(page: _Page, result: CheckResult, verbose: bool) -> None:
    """A result with its findings, in full."""
    time = [(f"  ({result.seconds:.2f} s)", "label")] if verbose else []
    page.add(*_title(page, result), *time)
    findings = fold.findings_of(result, Status.INFO if verbose else Status.WARN)
    _findings(page, findings, len(findings) > 1, verbose)
    if result.note:
        _labelled(page, "note", result.note)
    if any(finding.status in fold.PROBLEMS for finding in findings):
        _labelled(page, "more", f"torchdoctor explain {result.code}")


def _line(page: _Page, result: CheckResult) -> None:
    """A result without problems on one line, for -v."""
    said = result.summary
    if result.note and result.note not in said:
        said = f"{said} ({result.note})" if said else result.note
    page.prose(said, 10, [*_title(page, result), (": ", "")], tail=f"({result.seconds:.2f} s)")
    if result.status == Status.INFO:
        for finding in fold.findings_of(result, Status.INFO):
            _evidence(page, finding.evidence, True)


def _problems(page: _Page, report: Report) -> bool:
    """The groups with problems, worst first, then what could not be told; False where there is neither."""
    bad = fold.worst_first(result for result in report.results if result.status in fold.PROBLEMS)
    for group, results in fold.groups_of(bad).items():
        page.blank()
        page.add((safe_line(group).capitalize(), "group"))
        for result in results:
            _block(page, result, False)
    blind = [result for result in report.results if result.status == Status.ERROR]
    if blind:
        page.blank()
        page.add(("Could not tell", "group"))
        for result in blind:
            _blind(page, result)
    return bool(bad or blind)


def _blind(page: _Page, result: CheckResult) -> None:
    glyph = page.glyphs.of(Status.ERROR)
    page.add((f"  {glyph} ", "error"), (f"{safe_line(result.code)} {safe_line(result.check)}", ""))
    findings = fold.findings_of(result)
    _findings(page, findings, any(f.status != Status.ERROR for f in findings), False)
    if result.note and all(result.note != finding.title for finding in findings):
        _labelled(page, "note", result.note)


def _everything(page: _Page, report: Report) -> None:
    page.prose(f"Examined {report.patient.executable}" + (f": {report.patient.chosen}" if report.patient.chosen else ""), 2)
    for group, results in fold.groups_of(report.results).items():
        page.blank()
        page.add((safe_line(group).capitalize(), "group"))
        for result in results:
            if result.status in (*fold.PROBLEMS, Status.ERROR):
                _block(page, result, True)
            else:
                _line(page, result)


def _measured(page: _Page, report: Report) -> None:
    """The speeds, where --full measured them."""
    if "ThroughputRun" not in report.facts and "SustainedRun" not in report.facts:
        return
    from torchdoctor.report import performance_text

    head, *rest = performance_text.lines(report.facts, page.terminal) or [""]
    if head:
        page.blank()
        page.add((head, "group"))
        for line in rest:
            page.add((line, ""))


def render(report: Report, terminal: Terminal | None = None, verbose: bool = False, quiet: bool = False) -> str:
    """The report as text, without a line break at the end; empty where ``quiet`` and there is no problem."""
    page = _Page(terminal or Terminal())
    if quiet:
        _problems(page, report)
        return page.text()
    _head(page, report, verbose)
    if verbose:
        _everything(page, report)
    found = not verbose and _problems(page, report)
    _measured(page, report)
    if report.notes:
        if found or verbose:
            page.blank()
        for note in report.notes:
            page.prose(note, 6, [("note: ", "label")])
    if found:
        page.blank()
        page.add(("All checks: torchdoctor run -v", "label"))
        page.add(("To share this: torchdoctor run --redact --format markdown", "label"))
    return page.text()
