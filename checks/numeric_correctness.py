"""Devices compute right: like float64, like themselves a moment ago, and like each other (--full).

Why: a GPU with a faulty multiplier or cache gives wrong numbers without any error: silent data corruption. Products, sums and elementwise work in several shapes and
dtypes are compared with float64 on the CPU within a bound that rounding cannot pass; repeated with the same inputs, which must give the same bits; and compared
by a hash with equal devices, which must agree. A difference beyond rounding is a failure; one within rounding is a warning, as a library may add in any order.
Seen as: a loss that spikes on one node only; checkpoints that do not reproduce; NaN in one rank first.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, fail, info, ok, warn
from torchdoctor.facts import CorrectnessRun
from torchdoctor.work import tolerance
from torchdoctor.work.numeric_verdicts import disagreements, limit_of
from torchdoctor.work.performance_verdicts import not_measured
from torchdoctor.work.verdicts import HARDWARE, SUSPECT, failed_work

MOST = 3


@check("TD905", group="performance", crash=Status.FAIL)
def numeric_correctness(runs: Each[CorrectnessRun]) -> Findings:
    words = []
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        cause = HARDWARE if device != "cpu" else None
        wrong, restless = [], []
        for case in run.cases:
            yield from failed_work(device, case.failure, case.key)
            limit = limit_of(case, run.precision, device)
            if case.non_finite:
                wrong.append((case.key, f"{case.non_finite} values of {case.repeats + 1} results are NaN or infinite"))
            elif tolerance.beyond(case.deviation, limit) and case.deviation is not None:
                wrong.append((case.key, f"off by {case.deviation.largest:.2g} from float64, allowed is {limit:.2g}"))
            elif case.differing and tolerance.beyond(case.repeat, limit) and case.repeat is not None:
                wrong.append(
                    (
                        case.key,
                        f"repeated {case.repeats} times with the same inputs: off by {case.repeat.largest:.2g} from the first result",
                    )
                )
            elif case.differing:
                restless.append((case.key, f"{case.differing} values differed in {case.repeats} repetitions, within rounding"))
        if wrong:
            more = f" (and {len(wrong) - 1} more computations)" if len(wrong) > 1 else ""
            yield fail(f"{device} computes wrong results: {wrong[0][0]}{more}", wrong[:MOST], [SUSPECT], cause, device)
        elif restless:
            speak = info if device == "cpu" else warn
            yield speak(f"{device}: equal computations gave other bits: {restless[0][0]}", restless[:MOST], [], cause, device)
        else:
            good = [case for case in run.cases if case.deviation is not None]
            words += [f"{device} {len(good)} computations"] if good else []
    for device, others, keys in disagreements(runs):
        seen = [("torch", f"{key}: other bits than on {others}") for key in keys[:MOST]]
        yield warn(f"{device} gives other bits than equal devices: {keys[0]}", seen, [SUSPECT], HARDWARE, device)
    yield from not_measured(runs)
    if words:
        left_out = [f"{device} not run: {run.not_run}" for device, run in runs.items() if run.not_run]
        yield ok("; ".join([*words, *left_out]))
