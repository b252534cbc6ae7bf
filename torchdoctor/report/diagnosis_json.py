"""An answer of ``diagnose`` as the JSON of the contract."""

from __future__ import annotations

import json
from typing import Any

from torchdoctor import __version__
from torchdoctor.model import Answer, Diagnosis, Fix, Quote
from torchdoctor.report.safe import safe_json


def to_dict(answer: Answer) -> dict[str, Any]:
    """The contract's keys, and a few more."""
    return {
        "schema": 1,
        "tool": {"name": "torchdoctor", "version": __version__},
        "exit_code": answer.exit_code,
        "diagnoses": [_diagnosis(one) for one in answer.diagnoses],
        "unrecognised": [_quote(quote) for quote in answer.unrecognised],
        "read": answer.read,
        "notes": list(answer.notes),
        "ordinary": answer.ordinary,
    }


def render(answer: Answer) -> str:
    """The answer as JSON text, ASCII only."""
    return safe_json(json.dumps(to_dict(answer), indent=1))


def _diagnosis(one: Diagnosis) -> dict[str, Any]:
    return {
        "cause": one.cause,
        "title": one.title,
        "confidence": one.confidence,
        "why": one.why,
        "evidence": [_quote(quote) for quote in one.evidence],
        "facts_used": list(one.facts_used),
        "fixes": [_fix(fix) for fix in one.fixes],
        "explains": [{"cause": echo.cause, "evidence": [_quote(quote) for quote in echo.evidence]} for echo in one.explains],
        "decided": one.decided,
        "ruled_out": list(one.ruled_out),
        "decide": one.decide,
        "wrong_advice": one.wrong_advice,
        "consequence": one.consequence,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"do": fix.do, "commands": list(fix.commands), "code": fix.code, "who": fix.who, "risk": fix.risk}


def _quote(quote: Quote) -> dict[str, Any]:
    """The line as it stands: a script looks it up in the file."""
    return {"file": quote.file, "line": quote.line, "rank": quote.rank, "text": quote.raw or quote.text}
