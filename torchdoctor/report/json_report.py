"""The report as JSON, and back. The form is a contract: ``torchdoctor/data/report.schema.json``; it only ever grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchdoctor.codec import to_json
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Patient, Report, Status
from torchdoctor.report.safe import safe_json

SCHEMA = 1
VERDICTS = ("pass", "warn", "fail", "error")

_STATUSES = {status.word: status for status in Status}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "status": finding.status.word,
        "title": finding.title,
        "subject": finding.subject,
        "cause": finding.cause,
        "evidence": [{"source": seen.source, "text": seen.text} for seen in finding.evidence],
        "fixes": [
            {"do": fix.do, "commands": list(fix.commands), "code": fix.code, "who": fix.who, "risk": fix.risk} for fix in finding.fixes
        ],
    }


def to_data(report: Report) -> dict[str, Any]:
    """The report as plain JSON data."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "torchdoctor", "version": report.version},
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "verdict": report.verdict,
        "summary": report.summary,
        "exit_code": report.exit_code,
        "patient": {
            "executable": report.patient.executable,
            "chosen": report.patient.chosen,
            "python": report.patient.python,
            "torch": report.patient.torch,
        },
        "facts": to_json(report.facts),
        "results": [
            {
                "check": result.check,
                "code": result.code,
                "group": result.group,
                "status": result.status.word,
                "summary": result.summary,
                "findings": [_finding(finding) for finding in result.findings],
                "seconds": round(result.seconds, 4),
                "note": result.note,
            }
            for result in report.results
        ],
        "notes": list(report.notes),
    }


def render(report: Report) -> str:
    """The report as JSON text: ASCII only, so that every terminal and pipe takes it; no line break at the end."""
    return safe_json(json.dumps(to_data(report), indent=2, ensure_ascii=True, allow_nan=False))


def _status(word: object) -> Status:
    if not isinstance(word, str) or word not in _STATUSES:
        raise ValueError(f"unknown status {word!r}")
    return _STATUSES[word]


def _read_finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        _status(data["status"]),
        str(data["title"]),
        str(data.get("subject") or ""),
        tuple(Evidence(str(seen["source"]), str(seen["text"])) for seen in data.get("evidence", ())),
        tuple(
            Fix(
                str(fix["do"]),
                tuple(str(command) for command in fix.get("commands", ())),
                fix.get("who", "user"),
                fix.get("risk", "safe"),
                fix.get("code"),
            )
            for fix in data.get("fixes", ())
        ),
        data.get("cause"),
    )


def _read_result(data: Mapping[str, Any]) -> CheckResult:
    return CheckResult(
        str(data["check"]),
        str(data["code"]),
        str(data["group"]),
        _status(data["status"]),
        str(data["summary"]),
        tuple(_read_finding(finding) for finding in data.get("findings", ())),
        float(data.get("seconds", 0.0)),
        str(data.get("note", "")),
    )


def from_data(data: Any) -> Report:
    """The report that ``to_data`` wrote; what is unknown is passed over. Raises ValueError where it is no such report."""
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}, this torchdoctor reads {SCHEMA}")
        if data["verdict"] not in VERDICTS:
            raise ValueError(f"unknown verdict {data['verdict']!r}")
        patient = data["patient"]
        python, torch = (None if patient[key] is None else str(patient[key]) for key in ("python", "torch"))
        return Report(
            version=str(data["tool"]["version"]),
            started=str(data["started"]),
            seconds=float(data["seconds"]),
            verdict=data["verdict"],
            summary=str(data["summary"]),
            exit_code=int(data["exit_code"]),
            patient=Patient(str(patient["executable"]), str(patient.get("chosen", "")), python, torch),
            facts=dict(data.get("facts") or {}),
            results=tuple(_read_result(result) for result in data["results"]),
            notes=tuple(str(note) for note in data.get("notes", ())),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"it is not a report of torchdoctor run: {type(error).__name__}: {error}") from None


def load(path: str | Path) -> Report:
    """The report in a file of ``torchdoctor run --format json``. Raises ValueError (with the path) or OSError."""
    try:
        return from_data(json.loads(Path(path).read_bytes().decode("utf-8-sig")))
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
