"""What deviations and hashes of ``CorrectnessRun`` mean. Standard library only: this runs in the doctor's process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Optional

from torchdoctor.facts import CorrectnessRun, NumericCase
from torchdoctor.work import tolerance

LONG = 2048  # terms from which on libraries may add halves of a sum in the narrow dtype
LONG_FACTOR = 2.0


def limit_of(case: NumericCase, precision: Optional[str], device: str) -> float:
    """How far a case may be from float64, as ``Deviation.largest``."""
    if not case.terms:
        return tolerance.elementwise(case.dtype)
    dtype = tolerance.effective_dtype(case.dtype, precision, device) if case.name in ("matmul", "bmm") else case.dtype
    limit = tolerance.matmul(dtype, case.terms)
    return limit * LONG_FACTOR if dtype in tolerance.NARROW and case.terms >= LONG else limit


def disagreements(runs: Mapping[str, CorrectnessRun]) -> Iterator[tuple[str, str, list[str]]]:
    """Devices whose bits are not those of their equals: (device, the others, cases).

    With three and more the majority is right; of two it cannot be told, so the second one is named and the first one with it.
    Cases in which a device does not even agree with itself are left to their own finding.
    """
    groups: dict[tuple[str, str], dict[str, CorrectnessRun]] = {}
    for device, run in runs.items():
        kind = device.split(":")[0]
        if kind != "cpu" and run.cases:
            groups.setdefault((kind, run.model or ""), {})[device] = run
    for group in groups.values():
        odd: dict[str, list[str]] = {}
        usual: dict[str, str] = {}
        for key in dict.fromkeys(case.key for run in group.values() for case in run.cases):
            prints = {d: c.fingerprint for d, run in group.items() for c in run.cases if c.key == key and c.fingerprint and not c.differing}
            common = Counter(prints.values()).most_common(1)
            for device, print_ in prints.items():
                if print_ != common[0][0]:
                    odd.setdefault(device, []).append(key)
                    usual[device] = ", ".join(other for other in prints if prints[other] == common[0][0])
        for device, keys in odd.items():
            yield device, usual[device], keys
