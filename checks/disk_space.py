"""There is space, and the right to write, where caches and checkpoints go.

Why: a full disk shows itself hours later, when the first checkpoint is written; a cache that cannot be written makes every start
download or compile again.
Seen as: "No space left on device", "PytorchStreamWriter failed writing file", "unexpected pos".
Thresholds: below 1 GiB fails for the working directory and warns elsewhere, below 5 GiB is a warning for checkpoints.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, warn
from torchdoctor.facts import Disks

GIB = 2**30
MIN_INODES = 1000
VARIABLES = {
    "torch.hub cache": "TORCH_HOME",
    "Hugging Face cache": "HF_HOME",
    "temporary files and compiled kernels": "TMPDIR",
}


@check("TD105", group="host")
def disk_space(disks: Disks) -> Findings:
    for disk in disks.disks:
        seen = [(disk.path, f"{disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB free")]
        work = disk.purpose not in VARIABLES
        move = (
            Fix("Free space, or write checkpoints to another volume.")
            if work
            else Fix(
                f"Free space, or point {VARIABLES[disk.purpose]} at another volume.",
                (f"export {VARIABLES[disk.purpose]}=/path/with/space",),
            )
        )
        if disk.free < GIB:
            yield (fail if work else warn)(
                f"{disk.free / 2**20:.0f} MiB left for {disk.purpose}", seen, [move], cause="checkpoint-save-failed", subject=disk.path
            )
        elif work and disk.free < 5 * GIB:
            yield warn(
                f"{disk.free / GIB:.1f} GiB left for {disk.purpose}", seen, [move], cause="checkpoint-save-failed", subject=disk.path
            )
        elif disk.free_inodes is not None and disk.free_inodes < MIN_INODES:
            yield warn(f"{disk.free_inodes} more files can be created for {disk.purpose}", seen, [move], subject=disk.path)
        if not disk.writable:
            yield warn(f"no right to write to {disk.path}: {disk.purpose}", seen, [move], subject=disk.path)
    if disks.disks:
        least = min(disks.disks, key=lambda d: d.free)
        yield ok(f"{least.free / GIB:.0f} GiB free where the least is ({least.purpose})")
