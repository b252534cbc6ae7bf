"""A first computation works on every device.

Why: creating a context needs free memory, a device that answers, and a compute mode that admits this process. It is the first thing that
training does, and the first that fails on a device in a bad state.
Seen as: "CUDA error: out of memory" at the first tensor, "all CUDA-capable devices are busy or unavailable", a hang in .to("cuda").
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok
from torchdoctor.facts import DeviceContext

LOOK = Fix("Look at what uses the GPU and in which mode and state it is.", ("nvidia-smi",))


@check("TD307", group="device", crash=Status.FAIL)
def device_context(contexts: Each[DeviceContext]) -> Findings:
    for name, context in contexts.items():
        if context.failure is not None:
            error = context.failure
            yield fail(
                f"{name} cannot be used: {error.message.splitlines()[0] if error.message else error.type}",
                [("traceback", error.traceback)],
                [LOOK] if name.startswith("cuda") else [],
                cause="devices-busy" if "busy or unavailable" in error.message else None,
                subject=name,
            )
        elif not context.worked:
            yield fail(
                f"{name} computed a wrong product of two 4 x 4 matrices of ones",
                [("torch", "ones(4, 4) @ ones(4, 4) is not 4 everywhere")],
                [Fix("Take the device out of use and have it tested.", who="admin", risk="disruptive")],
                cause="gpu-hardware-suspect",
                subject=name,
            )
    yield ok(", ".join(name for name, context in contexts.items() if context.worked))
