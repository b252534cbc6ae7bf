"""All NVLinks of a GPU are up and without errors.

Why: GPUs of one machine exchange gradients over NVLink. A link that is down makes NCCL slower or fail, and repeated recoveries announce that it will be.
Seen as: "Uncorrectable NVLink error was detected", Xid 74, slow all-reduce on one machine.
Thresholds: links per model from sichek's specifications (models that are not in the table are compared with their siblings only); 5 replays or recoveries of a link (imbue-ai/cluster-health;
DCGM and sichek 1), 100 CRC errors (DCGM, a second).
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState, NvLink, Thresholds
from torchdoctor.gpus import answering, plural
from torchdoctor.remedy import Rung


@check("TD812", group="health", crash=Status.SKIP)
def nvlink(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    present = answering(gpus)
    judged = [gpu for gpu in present if gpu.nvlinks and not gpu.mig]
    expecting = [gpu for gpu in present if thresholds.of("nvlinks", gpu.name or "") and not gpu.mig]
    if not judged and not (expecting and len(present) > 1):
        yield skip("no GPU here has NVLink" if not any(gpu.mig for gpu in present) else "a GPU in MIG mode has no NVLink")
        return
    unknown_models = set()
    for gpu in judged:
        expected = thresholds.of("nvlinks", gpu.name or "")
        if expected is None:
            unknown_models.add(gpu.name or "unnamed GPU")
            expected = max(len([link for link in other.nvlinks if link.active]) for other in judged if other.name == gpu.name)
        yield from _links(gpu, int(expected))
        for link in gpu.nvlinks:
            yield from _errors(gpu, link, thresholds)
    for name in sorted(unknown_models):
        yield info(f"how many NVLinks a {name} should have is not in the table: judged by its siblings only")
    yield ok(f"{sum(bool(link.active) for gpu in judged for link in gpu.nvlinks)} links of {plural(len(judged), 'GPU')} are up")


def _links(gpu: GpuState, expected: int) -> Findings:
    down = [link.index for link in gpu.nvlinks if not link.active]
    up = len(gpu.nvlinks) - len(down)
    if up >= expected or (up == 0 and expected == 0):
        return
    seen = [("nvml", f"{up} of {expected} links up; down: {', '.join(map(str, down)) or 'not listed'}")]
    reset = remedy.fix(
        Rung.RESET_GPU,
        " and its siblings together, after the fabric manager runs; have it inspected where the link stays down.",
        gpu=gpu.index,
    )
    # Cards joined by a bridge may be used without one: only boards with switches must have all links up.
    must = gpu.fabric_state is not None or any(link.remote == "switch" for link in gpu.nvlinks) or up > 0
    say = fail if must else info
    yield say(f"{up} of {expected} NVLinks are up", seen, [reset], "nvlink-error", gpu.subject)


def _errors(gpu: GpuState, link: NvLink, thresholds: Thresholds) -> Findings:
    if not link.errors:
        return
    replays = link.errors.get("replay", 0) + link.errors.get("recovery", 0)
    crc = link.errors.get("crc_flit", 0) + link.errors.get("crc_data", 0)
    seen = [("nvml", f"link {link.index}: " + ", ".join(f"{kind} {count}" for kind, count in link.errors.items()))]
    if replays >= thresholds.general("nvlink-errors") or crc >= thresholds.general("nvlink-crc"):
        seat = remedy.fix(Rung.INSPECT, " if the counts grow under load.", who="admin")
        yield warn(f"NVLink {link.index} had {replays} replays and recoveries, {crc} CRC errors", seen, [seat], "nvlink-error", gpu.subject)
    else:
        yield info(f"NVLink {link.index} had a few errors, which it mended", seen, subject=gpu.subject)
