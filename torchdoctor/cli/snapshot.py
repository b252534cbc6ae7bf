"""Record everything that the probes of a run read, dead probes included, and judge it again elsewhere with the same result.

A snapshot is one JSON file. Unlike the facts of a report it also holds how probes died, what they wrote, and what was known of the machine.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchdoctor import __version__
from torchdoctor.engine.outcome import Outcome, Outcomes
from torchdoctor.model import Patient

if TYPE_CHECKING:
    from torchdoctor.report.redact import Redactor

KIND, SCHEMA = "torchdoctor snapshot", 1
STATES = ("ok", "failed", "crashed", "timeout", "not-run")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A recorded run: its outcomes, the interpreter that was examined, and what ``diagnose`` would know of that machine."""

    outcomes: Outcomes
    patient: Patient
    started: str
    machine: Mapping[str, Any]


def _data(snapshot: Snapshot, redactor: Redactor | None) -> dict[str, Any]:
    outcomes = snapshot.outcomes
    rows = [{"type": name, **dataclasses.asdict(one)} for name, by_subject in outcomes.by_fact.items() for one in by_subject.values()]
    told = {
        "patient": dataclasses.asdict(snapshot.patient),
        "hello": dict(outcomes.patient),
        "machine": dict(snapshot.machine),
        "notes": list(outcomes.notes),
        "outcomes": rows,
    }
    if redactor is not None:
        told = redactor.data(told)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "tool": {"name": "torchdoctor", "version": __version__},
        "started": snapshot.started,
        "interrupted": outcomes.interrupted,
        **told,
    }


def save(path: Path, snapshot: Snapshot, redactor: Redactor | None = None) -> None:
    """Write a snapshot, redacted where a redactor is given. Raises OSError."""
    text = json.dumps(_data(snapshot, redactor), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="ascii")


def _outcome(row: Mapping[str, Any]) -> Outcome:
    if row["state"] not in STATES:
        raise ValueError(f"unknown state {row['state']!r}")
    known = {field.name for field in dataclasses.fields(Outcome)}
    return Outcome(**{key: value for key, value in row.items() if key in known})


def load(path: Path) -> Snapshot:
    """The snapshot in a file. Raises ValueError (with the path) for anything else, or OSError."""
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
        if not isinstance(data, dict) or data.get("kind") != KIND:
            raise ValueError("it is not a snapshot of torchdoctor run --save-snapshot")
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}, this torchdoctor reads {SCHEMA}")
        outcomes = Outcomes(notes=[str(note) for note in data["notes"]], interrupted=bool(data["interrupted"]), patient=data["hello"])
        for row in data["outcomes"]:
            outcomes.add(row["type"], _outcome(row))
        return Snapshot(outcomes, Patient(**data["patient"]), str(data["started"]), data["machine"])
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: it is not a snapshot of torchdoctor run: {type(error).__name__}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
