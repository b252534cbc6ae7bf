"""What one device sends to another arrives unchanged, and at the speed of the other pairs (--full).

Why: on some machines the IOMMU or the access control of PCI Express switches breaks direct copies between GPUs: data arrives wrong, or hangs NCCL. A pair that is
slower than half of the others has usually lost an NVLink or crosses the sockets; pairs of one machine may well differ, so only that is said.
Seen as: losses that differ between ranks; NaN after the first all-reduce; NCCL that hangs unless NCCL_P2P_DISABLE=1 is set.
"""

from __future__ import annotations

import statistics

from torchdoctor.api import Each, Findings, Fix, check, fail, info, ok, skip
from torchdoctor.facts import PeerRun
from torchdoctor.work.spread import figure
from torchdoctor.work.verdicts import failed_work

WITHOUT_P2P = Fix("Let NCCL copy through the host until the direct way works.", ("export NCCL_P2P_DISABLE=1",))
ACCESS = Fix("Turn off the IOMMU or the access control services (ACS) of the PCI Express switches.", who="admin", risk="disruptive")
SLOW = 0.5


@check("TD904", group="performance")
def device_transfers(runs: Each[PeerRun]) -> Findings:
    speeds = {}
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        for peer in run.peers:
            yield from failed_work(device, peer.rate.failure, f"the copy to {peer.target}")
            if peer.differing:
                seen = [("torch", f"{peer.differing} of {peer.rate.size // 4} elements arrived changed")]
                yield fail(f"{device}: data sent to {peer.target} arrives wrong", seen, [WITHOUT_P2P, ACCESS], "nccl-p2p-broken", device)
            if peer.rate.best:
                speeds[device, peer.target] = peer.rate.best
    if not speeds:
        yield skip(
            next((run.not_run for device, run in runs.items() if run.not_run and device != "cpu"), "there are no two devices of one kind")
        )
        return
    middle = statistics.median(speeds.values())
    for (device, target), speed in speeds.items():
        if speed < SLOW * middle:
            seen = [("torch", f"{figure(speed)} GB/s, the median of {len(speeds)} pairs is {figure(middle)} GB/s")]
            yield info(f"{device}: copies to {target} are slower than those of other pairs", seen, subject=device)
    left_out = [f"{device} not run: {run.not_run}" for device, run in runs.items() if run.not_run and device != "cpu"]
    yield ok("; ".join([f"{len(speeds)} pairs, {figure(min(speeds.values()))} to {figure(max(speeds.values()))} GB/s", *left_out]))
