"""Xid numbers of the kernel log that point at the program or at the driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign, Strength


def kernel_line(*numbers: int, strength: Strength = STRONG, rest: str = "") -> tuple[Sign, ...]:
    """Signs of the kernel's line for these Xid numbers (old and new wording), and of the ways in which people name the number.

    ``rest`` is a pattern that must follow the number in the kernel's line.
    """
    signs: list[Sign] = []
    for number in numbers:
        signs.append(Sign(rf"Xid \((?P<bus>[0-9a-fPCI:.]{{4,24}})\): {number}\b{rest}", strength))
        if not rest:
            named = min(strength, FAIR)
            signs += [
                Sign(rf"(?<!no )(?<!no more )\bXid (?:(?:errors?|codes?|events?|numbers?) ?[:#]? ?)?{number}\b", named),
                Sign(rf"\bXid: ?{number}\b", named),
            ]
            signs += [Sign(rf"\bXid=\"?{number}\b", named), Sign(rf"\bXid-{number}\b", named)]
            signs.append(Sign(rf"DEV_XID_ERRORS(?:\{{[^}}]{{0,600}}\}})?[ =:]{{1,3}}{number}\b", named))  # DCGM's last Xid
    return tuple(signs)


# copy, video, JPEG and optical flow engines: "restart the application" in NVIDIA's catalogue
_ENGINES = frozenset((40, 41, 60, 68, *range(70, 73), *range(75, 78), 80, *range(82, 87), 88, 89, *range(96, 106), *range(126, 136), 139))


def _engine_exception(groups: Mapping[str, str], _: Any) -> bool:
    """Whether the number is an exception of one engine, which only ends the application."""
    return int(groups["number"]) in _ENGINES


CONSEQUENCES = (
    "xid-43-channel-stopped",
    "xid-45-preemptive-cleanup",
    "unspecified-launch-failure",
    "nccl-watchdog-abort",
    "peer-rank-died-elsewhere",
)
_SANITIZE = Fix(
    do="Debug the program: rerun with CUDA_LAUNCH_BLOCKING=1 and under compute-sanitizer (or cuda-gdb) to get the kernel, and look for "
    "indices out of bounds; "
    "update or disable the custom kernel that it names.",
    commands=("compute-sanitizer python your_script.py", "CUDA_LAUNCH_BLOCKING=1 python your_script.py"),
)
_WHERE = Fix(
    do="If unrelated programs fail like this on one card only, the card or the driver is suspect: run the diagnostics, try another "
    "driver version.",
    commands=("dcgmi diag -r 3",),
    who="admin",
)

GRAPHICS_EXCEPTION = Cause(
    slug="xid-13-graphics-exception",
    title="A kernel of the application raised an exception on the GPU (Xid 13)",
    why="Xid 13 reports a fault inside a running kernel: an access out of bounds, an illegal instruction, a misaligned address. It is "
    "nearly always the "
    "program's fault and only seldom the hardware's.",
    signs=(
        *kernel_line(13),
        Sign(r"Graphics SM (?:Warp|Global) Exception on"),
        Sign(r"Graphics Exception: ESR 0x"),
        Sign(r"Graphics Engine Exception", FAIR),
        Sign(r"\(GPC \d+, TPC \d+, SM \d+\): \w"),
    ),
    fixes=(_SANITIZE, _WHERE),
    explains=CONSEQUENCES,
    decide="compute-sanitizer python your_script.py",
    examples=(
        "Mar 02 11:20:31 node07 kernel: NVRM: Xid (PCI:0000:3b:00): 13, pid=20114, name=python, Graphics SM Warp Exception on (GPC 2, "
        "TPC 1, SM 0): Out Of Range "
        "Address",
        "[ 8123.11] NVRM: Xid (0000:05:00): 13, 0001 00000000 0000a0c0 00000368 00000000 00000080",
        "[81.2] NVRM: Xid (PCI:0000:04:00): 13, Graphics Exception: ESR 0x504648=0x9 0x504650=0x20 0x504644=0xd3eff2 0x50464c=0x17f",
    ),
    counterexamples=("NVRM: Xid (PCI:0000:3b:00): 136, pid=1, ALI training failed",),
)

MMU_FAULT = Cause(
    slug="xid-31-mmu-fault",
    title="The application accessed an address that is not mapped on the GPU (Xid 31)",
    why="Xid 31 is a page fault of the GPU: a kernel used a wrong address. The program sees it as an illegal memory access. It is nearly "
    "always software: an "
    "index out of bounds, freed memory, a buffer of a peer that is gone.",
    signs=(
        *kernel_line(31),
        Sign(r"MMU Fault: ENGINE \w+"),
        Sign(r"Fault is of type (?:FAULT_\w+|UNRECOGNIZED_FAULT)"),
        Sign(r"GPU memory page fault", FAIR),
        Sign(r"GPCCLIENT_\w+ (?:faulted )?@ 0x"),
        Sign(r"FAULT_\w+ ACCESS_TYPE_\w+"),
        Sign(r"of type UNRECOGNIZED_FAULT"),
    ),
    fixes=(_SANITIZE, _WHERE),
    explains=(*CONSEQUENCES, "illegal-memory-access", "xid-13-graphics-exception"),
    decide="compute-sanitizer python your_script.py",
    examples=(
        "NVRM: Xid (PCI:0000:17:00): 31, pid=9931, name=python3, Ch 0000001e, intr 00000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_3 "
        "faulted @ 0x7f4a_8a000000. "
        "Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ",
        "[  901.4] NVRM: Xid (PCI:0000:0a:00): 31, Ch 00000010, engmask 00000101, intr 10000000",
        'DCGM_FI_DEV_XID_ERRORS{{gpu="2",device="nvidia2",modelName="NVIDIA L40S"}} 31'.replace("{{", "{").replace("}}", "}"),
    ),
    counterexamples=("NVRM: Xid (PCI:0000:17:00): 310, test", "burn-in ended after 24 h, no Xid 31 any more"),
)

CHANNEL_STOPPED = Cause(
    slug="xid-43-channel-stopped",
    title="The driver stopped a channel after a fault of the application (Xid 43)",
    why="Xid 43 says that a user program hit a fault and its channel was reset. The GPU itself stays healthy.",
    signs=kernel_line(43),
    consequence=True,
    fixes=(
        Fix(
            do="Look at the program: the error it printed at that moment and an earlier Xid (13, 31) in the log; rerun with "
            "CUDA_LAUNCH_BLOCKING=1 or "
            "compute-sanitizer. The GPU needs no reset.",
            commands=("sudo dmesg -T | grep -i xid", "CUDA_LAUNCH_BLOCKING=1 python your_script.py"),
        ),
        Fix(do="If it returns with programs that run well elsewhere, update the driver and then test the card.", who="admin"),
    ),
    examples=("NVRM: Xid (PCI:0000:86:00): 43, pid=4102, name=python, Ch 00000028",),
    counterexamples=("NVRM: Xid (PCI:0000:43:00): 79, pid=1, GPU has fallen off the bus.",),
)

CLEANUP = Cause(
    slug="xid-45-preemptive-cleanup",
    title="The driver tore down the channels of a process that had ended (Xid 45)",
    why="Xid 45 follows something else: the process was killed (Ctrl-C, out of memory, the scheduler), or another Xid ended it.",
    signs=(*kernel_line(45), Sign(r"Preemptive (?:cleanup|Channel Removal)", FAIR)),
    consequence=True,
    fixes=(
        Fix(
            do="Look for what came first: an earlier Xid in the kernel log, or the reason why that process was killed (oom-killer, "
            "scheduler, Ctrl-C). Nothing is to "
            "be done about Xid 45 itself.",
            commands=("sudo dmesg -T | grep -i -e xid -e oom -e killed",),
        ),
    ),
    examples=("kernel: NVRM: Xid (PCI:0000:af:00): 45, pid=33121, name=python3, Ch 00000008",),
    counterexamples=("NVRM: loading NVIDIA UNIX x86_64 Kernel Module  545.23.08",),
)

APP_CHANNEL = Cause(
    slug="xid-application-channel-fault",
    title="An engine of the GPU raised an exception over an application's commands (Xid {number|11, 25, 32, 39 or 69})",
    why="The stream of commands that a program (or its CUDA, video or copy library) sent to the GPU was invalid or was corrupted on the "
    "way.",
    signs=(
        *kernel_line(11, 25, 32, 39, 69),
        Sign(r"Xid \((?P<bus>[0-9a-fPCI:.]{4,24})\): (?P<number>\d+)\b", STRONG, test=_engine_exception),
    ),
    fixes=(
        Fix(
            do="Restart the application; if it returns, update the driver, CUDA and the library that does this work (decoder, custom "
            "kernel)."
        ),
        Fix(
            do="If it comes with any program on one card, check its seating, riser and PCIe link, then the diagnostics.",
            commands=("dcgmi diag -r 3",),
            who="admin",
        ),
    ),
    explains=CONSEQUENCES,
    examples=("NVRM: Xid (PCI:0000:b3:00): 32, pid=771, name=python3, Channel ID 00000010 intr0 00040000",),
    counterexamples=("NVRM: Xid (PCI:0000:b3:00): 320, x",),
)

CHANNEL_TIMEOUT = Cause(
    slug="xid-8-channel-timeout",
    title="The GPU stopped working on a channel (Xid 8)",
    why="A kernel did not end in time: the watchdog of a display GPU, an endless loop in a kernel, or a GPU that throttles or hangs.",
    signs=kernel_line(8),
    fixes=(
        Fix(do="Restart the application; make kernels shorter, and do not compute on the GPU that drives the display."),
        Fix(
            do="If it returns without a display, look at temperature, power and the PCIe link, then update the driver.",
            commands=("nvidia-smi -q -d PERFORMANCE",),
        ),
    ),
    explains=CONSEQUENCES,
    examples=("NVRM: Xid (PCI:0000:01:00): 8, pid=2211, name=python, Channel 00000020",),
    counterexamples=("NVRM: Xid (PCI:0000:08:00): 43, pid=2",),
)

GSP = Cause(
    slug="gsp-timeout",
    title="The GPU's system processor (GSP firmware) stopped answering the driver (Xid 119 or 120)",
    why="On Turing and newer GPUs much of the driver runs in firmware on the GPU. It did not answer in time or crashed; the card is not "
    "usable until it is reset.",
    signs=(
        *kernel_line(119, 120),
        Sign(r"Timeout (?:waiting|after \d+s of waiting) for RPC (?:response )?from (?:GPU ?\d* ?)?GSP"),
        Sign(r"RPC event history \(CPU <- GSP\)"),
        Sign(r"active RPC history \(CPU -> GSP\)", FAIR),
        Sign(r"GSP RPC (?:buffer contains function|Timeout)"),
        Sign(r"Cannot initialize GSP firmware RM"),
        Sign(r"GSP FW (?:boot|init) failed"),
        Sign(r"GSP lockdown"),
        Sign(r"kgsp\w{3,40}: .{0,80}(?:failed|cannot|timeout|timed out|error|exceeded)", FAIR),
        Sign(r"rpcSendMessage failed", FAIR),
        Sign(r"GSP (?:Timeout|Error) "),
        Sign(r"GSP task exception"),
        Sign(r"GSP_LOCKDOWN_NOTICE", FAIR),
        Sign(r"kgsp\w{3,40}: .{0,80}\bhalted\b"),
        Sign(r"RPC response from (?:GPU ?\d* ?)?GSP"),
        Sign(r"kgspLogXid(?:119|120)"),
        Sign(r"\bRPC event history\b"),
    ),
    fixes=(
        Fix(
            do="Drain the node and reset the GPU, or reboot (a cold boot if a warm one does not help).",
            commands=("sudo nvidia-smi --gpu-reset -i 0", "sudo reboot"),
            who="admin",
            risk="disruptive",
        ),
        Fix(do="If it returns: update the driver (its GSP firmware comes with it) and the VBIOS.", who="admin"),
        Fix(
            do="Where GSP can be disabled (proprietary module, Turing to Ada): NVreg_EnableGpuFirmware=0 for the nvidia module, then "
            "reboot.",
            commands=("echo 'options nvidia NVreg_EnableGpuFirmware=0' | sudo tee /etc/modprobe.d/nvidia-gsp.conf",),
            who="admin",
            risk="restart",
        ),
    ),
    explains=(*CONSEQUENCES, "gpu-requires-reset", "gpu-lost"),
    decide="sudo dmesg -T | grep -i -e xid -e gsp",
    examples=(
        "NVRM: Xid (PCI:0000:ca:00): 119, pid=18002, name=nvidia-smi, Timeout after 6s of waiting for RPC response from GPU2 GSP! "
        "Expected function 76 (GSP_RM_CONTROL)",
        "NVRM: _issueRpcAndWait: rpcSendMessage failed with status 0x00000062 for fn 78!",
        "NVRM: kgspInitRm_IMPL: cannot bootstrap riscv/gsp: 0x62",
        "NVRM: kgspBootstrap_GH100: GSP-FMC reported an error while attempting to boot GSP: 0x2d",
        "[  91.1] NVRM: GPU3 GSP RPC buffer contains function 4097 (GSP_INIT_DONE) and data 0x0000000000000000 0x0000000000000000.",
        "NVRM:      0    4124 GSP_LOCKDOWN_NOTICE            0 0x0000000000000001 0x0000000000000000",
        "NVRM: GPU1 _kgspRpcGspEventPmuHalted: Received signal from GSP that PMU has halted.",
    ),
    counterexamples=("NVRM: loading GSP firmware",),
)

CAUSES = (GRAPHICS_EXCEPTION, MMU_FAULT, CHANNEL_STOPPED, CLEANUP, APP_CHANNEL, CHANNEL_TIMEOUT, GSP)
