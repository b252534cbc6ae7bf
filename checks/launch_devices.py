"""Every local rank has a GPU of its own.

Why: programs take the GPU with the number of their local rank. With more local ranks than visible GPUs some find none, or share one, which
NCCL refuses.
Seen as: "CUDA error: invalid device ordinal", "Duplicate GPU detected : rank 1 and rank 0 both on CUDA device".
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, skip
from torchdoctor.facts import Devices, LaunchEnv


@check("TD503", group="distributed")
def launch_devices(env: LaunchEnv, devices: Devices) -> Findings:
    count = len(devices.accelerators())
    text = env.values.get("LOCAL_WORLD_SIZE") or ""
    local_rank = env.values.get("LOCAL_RANK") or ""
    if not count or not (text.isdigit() or local_rank.isdigit()):
        yield skip("no local ranks with accelerators to share")
        return
    wanted = int(text) if text.isdigit() else int(local_rank) + 1
    seen = [("env", f"LOCAL_RANK={local_rank} LOCAL_WORLD_SIZE={text}"), ("torch", f"{count} visible accelerators")]
    if wanted > count and count == 1 and env.values.get("SLURM_JOB_ID"):
        fix = Fix(
            "Let every task see all GPUs of the node, or take device 0 in each task.", ("srun --gpus-per-node=8 --ntasks-per-node=8 ...",)
        )
        yield fail(f"{wanted} local ranks, and Slurm shows this task one GPU", seen, [fix], cause="slurm-gpu-visibility")
    elif wanted > count:
        fix = Fix("Start as many processes as there are visible GPUs.", (f"torchrun --nproc-per-node={count} train.py",))
        yield fail(f"{wanted} local ranks for {count} visible GPUs", seen, [fix], cause="local-rank-invalid-device-ordinal")
    else:
        yield ok(f"{wanted} local ranks, {count} accelerators", seen)
