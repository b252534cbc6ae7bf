"""A real process group of two local ranks gives the right values.

Why: all-reduce, broadcast, all-gather and a barrier are what distributed training consists of. They are run by gloo on the CPU, and by NCCL
where there are two GPUs, with values that are known in closed form. Nothing of RANK or MASTER_ADDR is used.
Seen as: a hang in the first all-reduce, gradients that differ between ranks, "NCCL error: unhandled system error".
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, Status, check, fail, ok, skip
from torchdoctor.facts import CollectiveRun, CollectiveRuns, RankRun

DEBUG = Fix(
    "Run it again with the backend's own log, and read the first warning.",
    ("NCCL_DEBUG=INFO TORCH_DISTRIBUTED_DEBUG=DETAIL torchdoctor run TD507",),
)


@check("TD507", group="distributed", crash=Status.FAIL)
def local_collective(collectives: CollectiveRuns) -> Findings:
    if not collectives.runs:
        yield skip(collectives.not_run or "no backend to try")
        return
    for run in collectives.runs:
        yield from _judge(run)
    yield ok(
        ", ".join(f"{r.backend} over {r.world_size} ranks on {'/'.join(sorted({k.device for k in r.ranks}))}" for r in collectives.runs)
    )


def _judge(run: CollectiveRun) -> Findings:
    dead = [r for r in run.ranks if r.ended not in ("normally", "did not finish") or r.failure]
    hung = [r for r in run.ranks if r.ended == "did not finish"]
    stacks = [(f"stack of rank {r.rank}", r.stack) for r in run.ranks if r.stack]
    for rank in dead:  # the catalogue names the cause from the traceback
        message = rank.failure.message.splitlines()[0] if rank.failure and rank.failure.message else f"its process ended with {rank.ended}"
        trace = [("traceback", rank.failure.traceback)] if rank.failure else []
        title = f"{run.backend}: a rank failed in {rank.doing or 'its work'}: {message}"
        yield fail(title[:300], [*trace, *stacks], [DEBUG], subject=f"rank:{rank.rank}")
    if hung and not dead:
        where = ", ".join(f"rank {r.rank} in {_place(r)}" for r in hung)
        yield fail(
            f"{run.backend}: the process group did not finish within {run.seconds:.0f} s: {where}",
            stacks,
            [DEBUG],
            "nccl-p2p-broken" if run.backend == "nccl" else None,
        )
    for rank in run.ranks:
        for wrong in rank.wrong:
            yield fail(
                f"{run.backend}: rank {rank.rank} got wrong values from {wrong.split(':')[0]}",
                [("torch.distributed", wrong)],
                [DEBUG],
                "gpu-hardware-suspect" if run.backend == "nccl" else None,
                f"rank:{rank.rank}",
            )


def _place(rank: RankRun) -> str:
    return rank.doing or (f"after {rank.done[-1]}" if rank.done else "its start")
