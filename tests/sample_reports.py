"""Reports of made-up machines, for the tests of everything that shows a report."""

from __future__ import annotations

from torchdoctor.gate import verdict
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Patient, Report, Status
from torchdoctor.summary import summarise

OK = (
    CheckResult("operating-system", "TD101", "host", Status.INFO, "Linux 6.8 on x86_64", (), 0.001),
    CheckResult("disk-space", "TD103", "host", Status.PASS, "512 GB free where caches go", (), 0.002),
    CheckResult("torch-imports", "TD201", "install", Status.PASS, "torch 2.13.0+cpu imports in 1.4 s", (), 1.4),
    CheckResult("mps-usable", "TD310", "device", Status.SKIP, "not macOS", (), 0.0, "not macOS"),
    CheckResult("collective", "TD601", "distributed", Status.PASS, "two ranks agreed over gloo", (), 0.11),
    CheckResult("training-step", "TD701", "work", Status.PASS, "5 steps on the CPU follow the reference", (), 0.21),
    CheckResult("llama-forward", "TD702", "work", Status.PASS, "prefill and decode on the CPU agree with the reference", (), 0.34),
)

DRIVER = CheckResult(
    "driver-fits-torch",
    "TD305",
    "device",
    Status.FAIL,
    "driver 535.104.05 supports CUDA 12.2, torch 2.9.1+cu130 needs 13.0",
    (
        Finding(
            Status.FAIL,
            "driver 535.104.05 supports CUDA 12.2, torch 2.9.1+cu130 needs 13.0",
            evidence=(Evidence("nvml", "driver 535.104.05, CUDA 12.2"), Evidence("torch", "torch.version.cuda is 13.0")),
            fixes=(
                Fix(
                    "install a torch that fits this driver",
                    ("uv pip install --reinstall torch==2.9.1 --index-url https://download.pytorch.org/whl/cu126",),
                ),
                Fix("update the driver to 580 or newer", who="admin", risk="restart"),
            ),
            cause="driver-too-old",
        ),
    ),
    0.02,
)

LINKS = CheckResult(
    "pcie-link",
    "TD312",
    "device",
    Status.WARN,
    "gpu:0 runs at PCIe gen 1 x8, its peers at gen 5 x16 (and 4 more)",
    tuple(
        Finding(
            Status.WARN,
            f"gpu:{index} runs at PCIe gen 1 x8, its peers at gen 5 x16",
            f"gpu:{index}",
            (Evidence("nvml", f"link of GPU {index}: gen 1, width 8"),),
        )
        for index in (0, 1, 2, 5, 7)
    ),
    0.03,
)

STACK = "\n".join(f'  File "/opt/job/lib/part_{number}.py", line {number}, in step_{number}' for number in range(1, 9))
HANG = CheckResult(
    "nccl-all-reduce",
    "TD640",
    "distributed",
    Status.ERROR,
    "two-ranks did not finish: 30 s passed, in init_process_group",
    (
        Finding(
            Status.ERROR,
            "two-ranks did not finish: 30 s passed, in init_process_group",
            "",
            (Evidence("probe two-ranks", "30 s passed"), Evidence("stack", STACK)),
        ),
    ),
    30.0,
)


def report(
    results: tuple[CheckResult, ...], notes: tuple[str, ...] = (), machine: str = "", devices: tuple[str, ...] = ("the CPU",)
) -> Report:
    """The report of these results, as the command line makes it."""
    word, code = verdict(results)
    facts = {"machine": machine} if machine else {}
    patient = Patient("/srv/job/.venv/bin/python", "VIRTUAL_ENV is set", "3.11.7", "2.13.0+cpu")
    return Report("0.1.0", "2026-01-31T12:00:00Z", 3.44, word, summarise(results, devices), code, patient, facts, results, notes)


HEALTHY = report(OK)
SICK = report((*OK[:3], DRIVER, LINKS, HANG, *OK[3:]), ("2 ignored: TD312@gpu:3 (riser, ticket 4711), TD104",), "8 x NVIDIA H100")
EMPTY = report(())
