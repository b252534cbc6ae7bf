"""Faults of the GPU's memory, links and power that the kernel log or nvidia-smi shows."""

from __future__ import annotations

from dataclasses import replace

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.causes.xid import CONSEQUENCES, kernel_line

_RESET = Fix(
    do="Drain the node (no process on the GPU) and reset the GPU, or reboot.",
    commands=("sudo nvidia-smi --gpu-reset -i 0",),
    who="admin",
    risk="disruptive",
)
_ROWS = "nvidia-smi -q -d ROW_REMAPPER,ECC"

ECC = Cause(
    slug="cuda-ecc-uncorrectable",
    title="The GPU's memory had an error that ECC could not correct",
    why="Two or more bits of the card's memory were wrong (Xid 48, 95 or 140). Results on that GPU cannot be trusted until it is reset; "
    "no change of the program "
    "helps.",
    signs=(
        Sign(r"uncorrectable ECC error encountered"),
        Sign(r"CUDA_ERROR_ECC_UNCORRECTABLE"),
        Sign(r"cudaErrorECCUncorrectable"),
        Sign(r"cuda runtime error \((?:39|214)\)"),
        Sign(r"uncorrectable (?:ECC|double[- ]bit) error"),
        Sign(r"double bit error \(DBE\)"),
        Sign(r"Double Bit ECC Error"),
        Sign(r"[1-9]\d{0,6} (?:volatile |aggregate )?double-bit ECC errors?"),
        Sign(r"Volatile Single Bit .{0,300}?Double Bit Device Memory : [1-9]", FAIR),
        Sign(r"DCGM_FR_(?:VOLATILE_DBE_DETECTED|CUDA_DBE|DBE_(?:THRESHOLD_)?VIOLATION|UNCORRECTABLE_ROW_REMAP|UNCONTAINED_ERROR)\b"),
        Sign(r"(?<!\b0 )(?<!no )uncorrectable (?:memory|DRAM|SRAM|HBM|VRAM) errors?", FAIR, unless=(r"row remap",)),
        Sign(r"[1-9]\d{0,6} (?:new )?uncorrectable hardware errors? (?:are )?(?:detected )?in"),  # amdgpu
        Sign(r"ERREVENT_ATHUB_INTERRUPT", FAIR),
        *kernel_line(48, 95, 140, 171, 172),
        Sign(r"Uncontained (?:ECC|memory) error"),
        Sign(r":00\.0 (?:Off|On) \| [1-9]\d{0,6} \|", WEAK),
        Sign(r"Volatile(?: [SD]RAM [\w -]{1,30} : \d+){0,6}? [SD]RAM Uncorrectable[\w -]{0,10} : [1-9]", FAIR),
        Sign(r"Detected .{0,20}\b[SD]RAM uncorrectable error", FAIR),
        Sign(r"uncorrectable double-bit ECC", FAIR),
    ),
    fixes=(
        Fix(
            do="Stop the job, take the GPU out of use, and reset it or reboot: that also applies pending row remappings.",
            commands=("sudo nvidia-smi --gpu-reset -i 0",),
            who="admin",
            risk="disruptive",
        ),
        Fix(
            do="Look at the counters and remapped rows; if the error returns, or remapping failed, have the card replaced (RMA): it is a "
            "hardware fault.",
            commands=(_ROWS, "dcgmi diag -r 3"),
            who="admin",
        ),
        Fix(do="Until then run on other GPUs (CUDA_VISIBLE_DEVICES) and continue from the last checkpoint."),
    ),
    explains=(*CONSEQUENCES, "row-remap-pending", "gpu-requires-reset", "nccl-heartbeat-monitor", "nccl-timeout-straggler"),
    decide=_ROWS,
    examples=(
        "RuntimeError: CUDA error: uncorrectable ECC error encountered",
        "NVRM: Xid (PCI:0000:d8:00): 48, pid=812, name=python3, An uncorrectable double bit error (DBE) has been detected on GPU in the "
        "framebuffer at partition 6",
        "Detected 3 volatile double-bit ECC errors in GPU 5. Drain the GPU and reset it or reboot the node.",
        "amdgpu 0000:63:00.0: amdgpu: socket: 1, die: 0 1 uncorrectable hardware errors detected in umc block",
        "NVRM: Xid (PCI:0000:1b:00): 95, pid=90412, name=python3, Uncontained: LTC TAG (0x2,0x0). RST: No, D-RST: No",
    ),
    counterexamples=("ECC Mode Current : Enabled\nVolatile SRAM Correctable : 0 SRAM Uncorrectable : 0 DRAM Uncorrectable : 0",),
)

CONTAINED = Cause(
    slug="xid-94-contained-ecc",
    title="An uncorrectable memory error was contained: one process was ended, the GPU goes on (Xid 94)",
    why="The A100 and newer limit such an error to the process that read the bad memory. Others continue; the bad row waits to be "
    "remapped at the next reset.",
    signs=(
        *kernel_line(94),
        Sign(r"Contained (?:ECC|memory) error", FAIR),
        Sign(r"\bContained: \w+ ", FAIR, also=(r"NVRM: ",)),
        Sign(r"cudaErrorContained"),
        Sign(r"CUDA_ERROR_CONTAINED"),
        Sign(r"Invalid access of peer GPU memory over nvlink or a hardware error"),
        Sign(r"\bContained: .{1,40}\(0x[0-9a-f]+\)\. RST: ", FAIR),
    ),
    unless=(r"Uncontained",),
    fixes=(
        Fix(do="Restart the job from its checkpoint; it may go on using this GPU."),
        Fix(
            do="Reset the GPU at the next opportunity, so that the row is remapped, and check the row remapper.",
            commands=("sudo nvidia-smi --gpu-reset -i 0", _ROWS),
            who="admin",
            risk="disruptive",
        ),
        Fix(do="If it repeats on this card, have it replaced.", who="vendor"),
    ),
    explains=(*CONSEQUENCES, "cuda-ecc-uncorrectable", "row-remap-pending", "gpu-requires-reset"),
    decide=_ROWS,
    examples=(
        "NVRM: Xid (PCI:0000:53:00): 94, pid=7123, name=pt_main_thread, Contained: SM (0x1). RST: No, D-RST: No",
        "CUDA_ERROR_CONTAINED: Invalid access of peer GPU memory over nvlink or a hardware error",
        "94, pid=4112, Contained: SM (0x1). RST: No, D-RST: No",
    ),
    counterexamples=("NVRM: Xid (PCI:0000:53:00): 95, pid=7123, name=x, Uncontained: LTC TAG",),
)

REMAP_PENDING = Cause(
    slug="row-remap-pending",
    title="A bad memory row waits for a GPU reset to be remapped (Xid 63)",
    why="The GPU has spare rows for bad ones, but the exchange is only made when it is reset. Until then the bad row may be hit again.",
    signs=(
        Sign(r"Remapped Rows.{0,200}Pending : Yes"),
        Sign(r"Uncorrectable Error : \d+ Pending : Yes"),
        Sign(r"Pending(?: Page Blacklist)? : Yes", FAIR, also=(r"Retired Pages",)),
        Sign(r"Row Remapper: New row\b"),
        Sign(r"row remap(?:ping)? (?:is )?pending"),
        Sign(r"reset gpu to activate"),
        Sign(r"remapped_rows\.pending\W{1,20}(?:Yes|1)\b"),
        Sign(r"(?:row remap\w*|rows?) (?:\w+ ){0,2}pending(?: remap\w*)?", FAIR, unless=(r"\bno (?:pending )?row",)),
        Sign(r"pending row remap\w*", FAIR, unless=(r"\bno pending", r"without pending", r"\b0 pending")),
        Sign(r"ROW_REMAP_PENDING(?:\{[^}]{0,400}\})?[ =:]{1,3}1\b"),
        Sign(r"DCGM_FR_(?:DBE_)?PENDING_(?:ROW_REMAP|PAGE_RETIREMENTS)"),
        Sign(r"pending retired pages? ha(?:s|ve) been detected"),
        Sign(r"pending remapping true"),  # gpud
        *kernel_line(63, 156),
        Sign(r"pages? .{0,60}pending retirement", FAIR, unless=(r"\bno pages?\b|\b0 pages?\b",)),
    ),
    fixes=(
        _RESET,
        Fix(
            do="Check afterwards that nothing is pending and no remapping failed; watch the card for more.", commands=(_ROWS,), who="admin"
        ),
    ),
    explains=CONSEQUENCES,
    decide=_ROWS,
    examples=(
        "    Remapped Rows\n        Correctable Error                 : 0\n        Uncorrectable Error               : 1\n        "
        "Pending                           : Yes\n"
        "        Remapping Failure Occurred        : No",
        "GPU 4 has uncorrectable memory errors and pending row remappings.",
        'DCGM_FI_DEV_ROW_REMAP_PENDING{{gpu="3",device="nvidia3"}} 1'.replace("{{", "{").replace("}}", "}"),
        "NVRM: Xid (PCI:0000:9b:00): 63, pid=2290, name=python, Row Remapper: New row (0x0000000002f91b3a) marked for remapping, reset "
        "gpu to activate.",
        "health check: this GPU has pages with ECC errors that are pending retirement",
    ),
    counterexamples=("    Remapped Rows\n        Correctable Error : 0\n        Uncorrectable Error : 1\n        Pending : No",),
)

REMAP_FAILED = Cause(
    slug="xid-64-remap-failure",
    title="Remapping a bad memory row failed (Xid 64)",
    why="The GPU has no spare row left for that bank, or could not record the remapping. The memory error will come back.",
    signs=(
        *kernel_line(64, 157),
        Sign(r"Remapping Failure Occurred : Yes"),
        Sign(r"Row Remapper: (?:Failed|Unable)\b"),
        Sign(r"Row remapping fail(?:ure|ed)"),
        Sign(r"DCGM_FR_ROW_REMAP_FAILURE"),
        Sign(r"DCGM_FR_(?:RETIRED_PAGES_(?:DBE_)?|UNCORRECTABLE_ROW_REMAP_)LIMIT"),
        Sign(r"remapping failure occurred true"),  # gpud
        Sign(r"ROW_REMAP_FAILURE(?:\{[^}]{0,400}\})?[ =:]{1,3}1\b"),
        Sign(r"remapped_rows\.failure\W{1,20}(?:Yes|1)\b"),
    ),
    fixes=(
        Fix(do="Take the GPU out of service and have it replaced (RMA). A reset may be tried first.", commands=(_ROWS,), who="vendor"),
        Fix(do="Until then exclude it from jobs: CUDA_VISIBLE_DEVICES, or drain the node.", who="admin"),
    ),
    explains=(*CONSEQUENCES, "row-remap-pending", "cuda-ecc-uncorrectable"),
    decide=_ROWS,
    examples=(
        "        Pending                           : No\n        Remapping Failure Occurred        : Yes",
        "GPU 6 had uncorrectable memory errors and row remapping failed. Run a field diagnostic on the GPU.",
        "NVRM: Xid (PCI:0000:4f:00): 64, pid=1, Row Remapper: Failed to store row",
    ),
    counterexamples=("        Remapping Failure Occurred        : No",),
)

NVLINK = Cause(
    slug="nvlink-error",
    title="An NVLink of the GPU failed (Xid 74, 136 or 144 to 150, or an NVSwitch SXid)",
    why="The link between GPUs, or to the switch, reported a fatal error and is off or unreliable. Programs that use several GPUs hang, "
    "fail or become slow.",
    signs=(
        *kernel_line(144, 145, 146, 147, 148, 149, 150, rest=r", \w+ Fatal"),
        *kernel_line(144, 145, 146, 147, 148, 149, 150, strength=FAIR),
        *kernel_line(74, 136, 155),
        *kernel_line(121, 173, strength=FAIR),
        Sign(r"NVLink: fatal error detected on link"),
        Sign(r"NVLink link \d+ disabled due to error"),
        Sign(r"uncorrectable NVLink error"),
        Sign(r"CUDA_ERROR_NVLINK_UNCORRECTABLE"),
        Sign(r"cudaErrorNvlinkUncorrectable"),
        Sign(r"SXid \([^)]{4,40}\): \d+, Fatal"),
        Sign(r"SXid \([^)]{4,40}\): \d+, (?!Fatal)", WEAK),
        Sign(r"NVLink: .{0,60}(?:fatal|failed|training)", FAIR, also=(r"NVRM: ",)),
        Sign(r"Link \d+: <inactive>", WEAK),
        Sign(r"Link \d+: (?:Recovery|CRC)[\w ]{0,20} Errors?(?: count)?: [1-9]", FAIR),
        Sign(r"NvLink link \d+ is currently down"),
        Sign(r"Unable to retrieve NVLink information as all links are inActive", FAIR),
        Sign(r"NVLink errors? on GPU \d+.{0,30} exceeds", FAIR),
        Sign(r"DCGM_FR_NV(?:LINK|SWITCH)_(?:ERROR\w*|DOWN|CRC\w*|FATAL\w*|NVLINK_DOWN|(?:EFFECTIVE|SYMBOL)_BER\w*)"),
        Sign(r"fatal errors? on NvSwitch", FAIR),
        Sign(r"Link \d+: [\d.]+ GB/s Link \d+: <inactive>", FAIR),
        Sign(r"Link \d+: <inactive> Link \d+: [\d.]+ GB/s", FAIR),
        Sign(r"(?:Nonf|F)atal XC\d i\d Link -?\d", FAIR),
        Sign(r"\bi\d Link \d+ \(0x[0-9a-f]+ 0x", FAIR),
    ),
    fixes=(
        Fix(
            do="Drain the node and reset the GPUs that the link joins (all GPUs and the switches on an NVSwitch machine), or reboot.",
            commands=("nvidia-smi nvlink -s", "nvidia-smi nvlink -e", "sudo reboot"),
            who="admin",
            risk="disruptive",
        ),
        Fix(
            do="Check that the Fabric Manager runs in the driver's version, and read its log.",
            commands=("systemctl status nvidia-fabricmanager",),
            who="admin",
        ),
        Fix(
            do="If it returns on the same link: reseat or replace the bridge, baseboard or GPU (the vendor needs nvidia-bug-report.sh).",
            who="vendor",
        ),
        Fix(do="Until then NCCL can do without that path: NCCL_P2P_DISABLE=1 (slower).", commands=("export NCCL_P2P_DISABLE=1",)),
    ),
    explains=(*CONSEQUENCES, "nccl-p2p-broken", "gpu-requires-reset"),
    decide="nvidia-smi nvlink -s",
    examples=(
        "NVRM: Xid (PCI:0000:4e:00): 74, pid=5520, name=python3, NVLink: fatal error detected on link 6(0x10000, 0x0, 0x0, 0x0, 0x0, "
        "0x0, 0x0)",
        "NVRM: Xid (PCI:0018:01:00): 145, RLW_REMAP Fatal XC1 i0 Link 04 (0x00000104 0x80000000 0x00000000 0x00000000 0x00000000 "
        "0x00000000)",
        "GPU 2's NvLink link 7 is currently down. Run a field diagnostic on the GPU.",
        "nvidia-nvswitch2: SXid (PCI:0000:8b:00.0): 20034, Fatal, Link 11 LTSSM Fault Up",
        "GPU 1: Tesla V100-SXM2-32GB (UUID: GPU-aa)\n\t Link 0: 25.781 GB/s\n\t Link 1: <inactive>\n\t Link 2: 25.781 GB/s",
    ),
    counterexamples=("NCCL INFO NVLS multicast support is available", "GPU0  X  NV12  SYS"),
)

SUSPECT = Cause(
    slug="gpu-hardware-suspect",
    title="The GPU itself is suspect: a diagnostic failed or the fault follows the card",
    why="A stress test or the GPU's own controller reports a fault that no program causes.",
    signs=(
        *kernel_line(54, 92, 167, 168, 169),
        # where the driver says what is to be done about it, that counts
        *(replace(sign, unless=(r"PMU has halted", r"Reset Required")) for sign in kernel_line(62)),
        Sign(r"GPU \d+: FAULTY"),
        Sign(r"(?:Memory|Diagnostic|Targeted (?:Stress|Power)|SM Stress|Memtest|EUD|Pulse Test|PCIe) \| Fail\b", FAIR),
        Sign(r"\| Fail - (?:All|GPU:? ?\d)", FAIR),
        Sign(r"dcgmi diag.{0,3000}\| Fail", FAIR),
        Sign(r"infoROM is corrupted at gpu"),
        Sign(r"DCGM_FR_(?:CORRUPT_INFOROM|FAULTY_MEMORY)"),
        Sign(r"errors: [1-9]\d{0,12} \(WARNING!\)"),  # gpu-burn
        *(
            Sign(rf"{trouble}s? (?:\w+ ){{0,2}}(?:follow|move|go|went|stay)(?:s|es|ed)? (?:with )?(?:the|that|this) (?:card|GPU)", FAIR)
            for trouble in ("fault", "error", "problem", "failure", "issue", "crash(?:es)?")
        ),
        Sign(r"necessary power cables connected", FAIR),
        Sign(r"(?:same|this|one) (?:card|GPU) (?:always )?fails in (?:another|every|any) (?:machine|slot|node)", FAIR),
        Sign(r"severity=Uncorrected \((?:Fatal|Non-Fatal)\)", FAIR, also=(r"nvidia",)),
    ),
    fixes=(
        Fix(
            do="Test the card apart from your program: dcgmi diag -r 3 (or gpu-burn), the same program on another GPU, and this GPU in "
            "another slot or machine.",
            commands=("dcgmi diag -r 3", "nvidia-smi -q -d ECC,ROW_REMAPPER,TEMPERATURE,POWER"),
            who="admin",
        ),
        Fix(do="Check power cables, seating, risers and cooling; undo overclocking.", who="admin"),
        Fix(
            do="If the fault follows the card, have it replaced (RMA); send nvidia-bug-report.sh's file along.",
            commands=("sudo nvidia-bug-report.sh",),
            who="vendor",
        ),
    ),
    explains=(*CONSEQUENCES, "illegal-memory-access"),
    decide="dcgmi diag -r 3",
    examples=(
        "Tested 2 GPUs:\n\tGPU 0: OK\n\tGPU 1: FAULTY",
        "NVRM: Xid (PCI:0000:e1:00): 62, pid=312, name=kworker, 0d80(2e28) 00000000 00000000",
        "WARNING: infoROM is corrupted at gpu 0000:3D:00.0",
        "41.2%  proc'd: 2010 (13882 Gflop/s) - 1998 (13790 Gflop/s)   errors: 0 - 16321  (WARNING!)  temps: 71 C - 69 C".replace(
            "0 - ", ""
        ),
    ),
    counterexamples=("test_memory.py::test_alloc | Failed",),
)

CAUSES = (ECC, CONTAINED, REMAP_PENDING, REMAP_FAILED, NVLINK, SUSPECT)
