"""Modules, optimizer state and generators are on the device that they were sent to.

Why: what stays behind is found hours later as "Expected all tensors to be on the same device", or not at all, when a backend copies silently.
Parameters, buffers, gradients, momentum and the random generator are looked at after ``.to(device)``.
Seen as: "Expected all tensors to be on the same device", "Expected a 'cuda' device type for generator but found 'cpu'".
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok, warn
from torchdoctor.facts import PlacementRun
from torchdoctor.work.tolerance import means_unsupported

REPORT = Fix("This is a fault of the backend, not of your program: report it to whoever makes it, with the versions shown.", who="vendor")


@check("TD401", group="placement", crash=Status.FAIL)
def module_placement(runs: Each[PlacementRun]) -> Findings:
    for device, run in runs.items():
        if run.failure is not None:
            title = f"{device}: moving a module failed in {run.failed_step}: {run.failure.message.splitlines()[0] if run.failure.message else run.failure.type}"
            yield fail(title, [("traceback", run.failure.traceback)], [], subject=device)
        for thing in run.misplaced:
            title = f"{thing.kind} {thing.name} is on {thing.device} after .to({device!r})"
            yield fail(title, [("torch", f"{run.placed} things were looked at")], [REPORT], "module-attribute-not-registered", device)
        if run.ties_kept is False:
            yield warn(
                f"tied parameters are two separate ones after .to({device!r})",
                [("torch", "first.weight is not last.weight")],
                [REPORT],
                subject=device,
            )
        if run.generator_failure is not None and not means_unsupported(run.generator_failure):
            yield warn(
                f"{device} has no random generator: {run.generator_failure.message}",
                [("traceback", run.generator_failure.traceback)],
                [],
                subject=device,
            )
    yield ok(", ".join(f"{device}: {run.placed} tensors where they belong" for device, run in runs.items()))
