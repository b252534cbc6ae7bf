"""The field's ladder of actions for a sick GPU, from nothing to a look at the hardware: each finding asks for one rung, the worst decides.

Order and words follow what DCGM, gpud and NVIDIA's Xid catalogue ask for: restart the program < configure < reset < reboot < power off < inspect.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Optional

from torchdoctor.model import CheckResult, Fix, Risk, Status, Who


class Rung(enum.IntEnum):
    """How far someone has to go."""

    NOTHING = 0
    RESTART_PROGRAM = 1
    CONFIGURE = 2
    RESET_GPU = 3
    REBOOT = 4
    POWER_CYCLE = 5
    INSPECT = 6


WORDS = {
    "nothing": Rung.NOTHING,
    "restart-program": Rung.RESTART_PROGRAM,
    "configure": Rung.CONFIGURE,
    "reset-gpu": Rung.RESET_GPU,
    "reboot": Rung.REBOOT,
    "power-cycle": Rung.POWER_CYCLE,
    "inspect": Rung.INSPECT,
}
"""The rungs by the words of the tables."""

_OPENING = {
    Rung.RESTART_PROGRAM: "Restart the program",
    Rung.RESET_GPU: "Reset the GPU",
    Rung.REBOOT: "Reboot the machine",
    Rung.POWER_CYCLE: "Power the machine off and on",
    Rung.INSPECT: "Have the hardware inspected",
}
_WHO: dict[Rung, Who] = {Rung.RESTART_PROGRAM: "user", Rung.INSPECT: "vendor"}
_RISK: dict[Rung, Risk] = {Rung.RESTART_PROGRAM: "restart"}


def fix(rung: Rung, more: str = "", gpu: Optional[int] = None, who: Optional[Who] = None) -> Fix:
    """The fix that stands for a rung above "nothing". ``more`` goes on after the opening words; ``gpu`` is NVML's index for the command.

    A configuration has no words of its own: write that Fix where the setting is known.
    """
    commands: tuple[str, ...] = ()
    if rung is Rung.RESET_GPU and gpu is not None:
        commands = (f"sudo nvidia-smi --gpu-reset -i {gpu}",)
    elif rung is Rung.REBOOT:
        commands = ("sudo reboot",)
    defaults = {
        Rung.RESTART_PROGRAM: ": the GPU itself is well.",
        Rung.RESET_GPU: " after everything that uses it has ended; reboot where the reset is refused.",
        Rung.REBOOT: " after its work has moved elsewhere.",
        Rung.POWER_CYCLE: "; a mere reboot does not take the power away from the card.",
        Rung.INSPECT: " and take the GPU out of use until then.",
    }
    text = _OPENING[rung] + (more or defaults[rung])
    return Fix(text, commands, who=who or _WHO.get(rung, "admin"), risk=_RISK.get(rung, "disruptive"))


def rung_of(one: Fix) -> Rung:
    """The rung that a fix stands for; anything without the ladder's opening words is a configuration."""
    return next((rung for rung, words in _OPENING.items() if one.do.startswith(words)), Rung.CONFIGURE)


def node_action(results: Iterable[CheckResult], groups: tuple[str, ...] = ("driver", "health")) -> Optional[str]:
    """What this machine needs as a whole: the highest rung that a failure about its GPUs asks for, and which ones; None if nothing.

    Warnings count only where nothing failed: what would be wise soon must not stand above what is needed now.
    """
    asking = {Status.FAIL: dict[str, Rung](), Status.WARN: dict[str, Rung]()}
    for result in results:
        for finding in result.findings if result.group in groups else ():
            if finding.status in asking and finding.fixes:
                rung = rung_of(finding.fixes[0])
                about = finding.subject or result.check
                known = asking[finding.status]
                known[about] = max(rung, known.get(about, Rung.NOTHING))
    worst = asking[Status.FAIL] or asking[Status.WARN]
    top = max(worst.values(), default=Rung.NOTHING)
    if top not in _OPENING:
        return None
    subjects = sorted(about for about, rung in worst.items() if rung is top)
    opening = _OPENING[top]
    return f"{opening[0].lower()}{opening[1:]} ({', '.join(subjects)})"
