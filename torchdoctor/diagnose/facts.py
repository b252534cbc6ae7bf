"""What is known of the failing machine: of the text first, then of a report, then of this machine.

Nothing here imports torch or starts a process: this machine is asked only what a file or the platform tells at once.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.situation import FIELDS, Situation
from torchdoctor.diagnose.textfacts import facts_of

Facts = Mapping[str, Any]


def gather(log: Log, report: Path | None, local: bool) -> tuple[Situation, tuple[str, ...]]:
    """The situation, each field with its source, and notes on what was left out.

    Raises ValueError for a report that is none, OSError for one that cannot be read.
    """
    situation = facts_of(log)
    situation = replace(
        situation, sources={**{name: "text" for name in FIELDS if getattr(situation, name) is not None}, **situation.sources}
    )
    notes: list[str] = []
    if report is not None:
        told = of_report(report)
        against = contradictions(situation, told)
        if against:
            notes.append(f"The report seems to be of another machine ({against}); the text was believed.")
        situation = merged(situation, told, "report")
    if local:
        here = of_this_machine()
        if not contradictions(situation, here):
            situation = merged(situation, here, "machine")
    return situation, tuple(notes)


def merged(situation: Situation, told: Facts, source: str) -> Situation:
    """The situation with what it does not know yet."""
    new = {name: value for name, value in told.items() if name in FIELDS and value is not None and getattr(situation, name) is None}
    return replace(situation, **new, sources={**situation.sources, **dict.fromkeys(new, source)})


def contradictions(situation: Situation, told: Facts) -> str:
    """What of the machine itself (system, architecture, driver) is told otherwise, in words; empty where nothing is."""
    found = []
    for name in ("os", "arch", "driver", "wsl"):
        one, other = getattr(situation, name), told.get(name)
        if one is not None and other is not None and _same(one) != _same(other):
            found.append(f"{name} {one}, not {other}")
    return ", ".join(found)


def _same(value: object) -> str:
    text = str(value).lower()
    return {"amd64": "x86_64", "aarch64": "arm64"}.get(text, text)


def of_report(path: Path) -> dict[str, Any]:
    """The fields that a report of ``torchdoctor run --format json`` tells; what it lacks stays unknown.

    Raises ValueError where the file is no such report.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(report, dict) or not isinstance(report.get("facts"), dict):
        raise ValueError(f"{path} is no report of `torchdoctor run --format json`: it has no object `facts`.")
    facts = {re.sub(r"\W|_", "", str(name)).lower(): value for name, value in report["facts"].items()}
    patient: dict[str, Any] = report["patient"] if isinstance(report.get("patient"), dict) else {}
    told: dict[str, Any] = {}
    host, build, driver, env = (_object(facts, name) for name in ("host", "torchbuild", "nvidiadriver", "pythonenv"))
    told["os"] = _text(host.get("system"))
    told["arch"] = _text(host.get("arch"))
    if "container" in host:
        told["container"] = bool(host["container"])
    if "wsl" in host:
        told["wsl"] = bool(host["wsl"])
    told["torch"] = _text(build.get("version") or _object(facts, "torchimport").get("version") or patient.get("torch"))
    told["torch_build"] = _text(build.get("build"))
    told["cuda"] = _text(build.get("cuda"))
    told["python"] = _text(env.get("version") or patient.get("python"))
    told["installer"] = _text(env.get("installer"))
    told["driver"] = _text(driver.get("version"))
    told.update(_gpu(facts, driver))
    return {name: value for name, value in told.items() if value is not None}


def _gpu(facts: Facts, driver: Facts) -> dict[str, Any]:
    """Name and capability of the first accelerator; "none" where the devices were listed and none is there."""
    devices = _object(facts, "devices").get("devices")
    if isinstance(devices, list):
        found = [device for device in devices if isinstance(device, dict) and device.get("kind") != "cpu"]
        if not found:
            return {"gpu": "none"}
        return {"gpu": _text(found[0].get("model")), "capability": _text(found[0].get("capability"))}
    gpus = driver.get("gpus")
    if isinstance(gpus, list) and gpus and isinstance(gpus[0], dict):
        return {"gpu": _text(gpus[0].get("name")), "capability": _text(gpus[0].get("capability"))}
    return {}


def _object(facts: Facts, name: str) -> dict[str, Any]:
    """The fact of this name, also where it is wrapped with its probe's outcome."""
    value = facts.get(name)
    if isinstance(value, dict) and isinstance(value.get("value"), dict):
        value = value["value"]
    return value if isinstance(value, dict) else {}


def _text(value: object) -> Optional[str]:
    return str(value) if value not in (None, "") else None


def of_this_machine() -> dict[str, Any]:
    """What a few files tell of this machine in well under a millisecond."""
    import platform

    told: dict[str, Any] = {
        "os": {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform),
        "arch": platform.machine() or None,
    }
    if sys.platform == "linux":
        told["wsl"] = "microsoft" in _first_line("/proc/version").lower()
        told["container"] = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
        version = re.search(
            r"(?:Kernel Module[^\d]{0,40}|x86_64\s+|aarch64\s+)(\d{3}\.\d+(?:\.\d+)?)", _first_line("/proc/driver/nvidia/version")
        )
        told["driver"] = version[1] if version else None
    return told


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline()[:400]
    except OSError:
        return ""
