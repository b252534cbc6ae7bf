"""What ``torchdoctor install-command`` says: as text, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torchdoctor import __version__
from torchdoctor.report import layout
from torchdoctor.wheels import table
from torchdoctor.wheels.choose import Answer, Choice
from torchdoctor.wheels.impossible import platform_words
from torchdoctor.wheels.machine import Machine
from torchdoctor.wheels.reverse import Needs, needs_of


@dataclass(frozen=True)
class Page:
    """Everything there is to say. ``asked``: what the builds need that were asked for by version."""

    machine: Machine
    answer: Answer
    asked: tuple[Needs, ...] = ()
    notes: tuple[str, ...] = ()


def text(page: Page, terminal: layout.Terminal | None = None) -> str:
    """The answer for a person: the command first, then why, what the newest would need, and what the build needs."""
    out = layout.Page(terminal or layout.terminal_of())
    answer = page.answer
    out.paragraph("Machine", page.machine.words)
    if isinstance(answer, Choice):
        out.paragraph("Build", answer.wheel.words if answer.wheel else f"torch {answer.torch} by NVIDIA", layout.BOLD)
        out.blank()
        for line in answer.commands:
            out.verbatim(line, indent=0)
        out.blank()
        _sentences(out, "Why", answer.why)
        _sentences(out, "Newest", [answer.newest] if answer.newest else [])
        _sentences(out, "Note", (*answer.notes, *page.notes))
    else:
        out.paragraph("No build", answer.reason, layout.BOLD)
        _sentences(out, "Do", answer.do)
        _sentences(out, "Note", (*answer.notes, *page.notes))
    chosen = (needs_of(answer.wheel),) if isinstance(answer, Choice) and answer.wheel else ()
    for needs in page.asked or chosen:
        out.blank()
        _needs(out, needs)
    out.blank()
    out.paragraph("Table", f"published wheels as known on {table.table_date()}, up to torch {table.newest_torch()}")
    return str(out)


def _sentences(out: layout.Page, label: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        out.paragraph("" if number else label, line)


def _needs(out: layout.Page, needs: Needs) -> None:
    """What one build needs, a line each."""
    out.paragraph("Needs", needs.words, layout.BOLD)
    if needs.driver:
        windows = f"; on Windows {needs.windows_driver}" if needs.windows_driver else ""
        out.paragraph("", f"NVIDIA driver {needs.driver} or newer{windows}")
    for line in _gpu_lines(needs):
        out.paragraph("", line, hang=2)
    out.paragraph("", f"Python {', '.join(needs.pythons)}")
    system = f" ({', '.join(needs.os_min)} or newer)" if needs.os_min else ""
    out.paragraph("", f"on {', '.join(map(platform_words, needs.platforms))}{system}")
    out.paragraph("", f"from {', '.join(needs.places)}", hang=2)
    if needs.companions:
        out.paragraph("", f"with {', '.join(needs.companions)}")


def _gpu_lines(needs: Needs) -> list[str]:
    if needs.backend not in ("cuda", "rocm"):
        return []
    if not needs.gpus_settled or not needs.gpus:
        return ["GPUs: the table does not know its architectures for sure"]
    if needs.backend == "rocm":
        return [f"a GPU of {', '.join(needs.gpus)}"]
    lines = [f"a GPU of compute capability {', '.join(needs.gpus)}"]
    if needs.not_on:
        lines.append(f"not on {', '.join(needs.not_on)}")
    return lines


# ---------------------------------------------------------------------------------------------------
# JSON


def json_text(page: Page, exit_code: int) -> str:
    """The answer for programs; keys are only ever added."""
    answer = page.answer
    data: dict[str, Any] = {
        "schema": 1,
        "tool": {"name": "torchdoctor", "version": __version__},
        "exit_code": exit_code,
        "machine": _machine(page.machine),
        "choice": _choice(answer) if isinstance(answer, Choice) else None,
        "impossible": None if isinstance(answer, Choice) else {"reason": answer.reason, "do": list(answer.do)},
        "asked": [_needs_json(needs) for needs in page.asked],
        "notes": [*answer.notes, *page.notes],
        "table": {"date": table.table_date(), "newest_torch": table.newest_torch()},
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _machine(machine: Machine) -> dict[str, Any]:
    return {
        "system": machine.system,
        "arch": machine.arch,
        "python": machine.python_tag,
        "libc": machine.libc,
        "os_version": machine.os_version,
        "driver": machine.driver,
        "driver_cuda": machine.driver_cuda,
        "gpus": [{"name": gpu.name, "vendor": gpu.vendor, "architecture": gpu.gfx or gpu.capability} for gpu in machine.gpus],
        "jetson": machine.jetson,
        "installer": machine.installer,
        "installed_torch": machine.installed,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    wheel = choice.wheel
    return {
        "torch": choice.torch,
        "backend": wheel.backend if wheel else choice.index.backend,
        "toolkit": wheel.toolkit if wheel else choice.index.toolkit,
        "index": choice.index.name,
        "index_url": choice.index.url or None,
        "verified": wheel.verified if wheel else True,
        "packages": list(choice.packages),
        "commands": list(choice.commands),
        "why": list(choice.why),
        "newest": choice.newest or None,
        "gpus_left_out": [str(gpu) for gpu in choice.left_out],
        "needs": _needs_json(needs_of(wheel)) if wheel else None,
        "source": wheel.source if wheel else None,
    }


def _needs_json(needs: Needs) -> dict[str, Any]:
    return {
        "torch": needs.torch,
        "backend": needs.backend,
        "toolkit": needs.toolkit,
        "driver_linux": needs.driver or None,
        "driver_windows": needs.windows_driver or None,
        "gpus": list(needs.gpus) if needs.gpus_settled else None,
        "not_on": list(needs.not_on) if needs.gpus_settled else None,
        "python": list(needs.pythons),
        "platforms": list(needs.platforms),
        "os_min": list(needs.os_min),
        "from": list(needs.places),
        "companions": list(needs.companions),
    }
