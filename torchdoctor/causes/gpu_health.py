"""What nvidia-smi and the kernel log say of a GPU that is lost, throttled or badly connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
from torchdoctor.causes.xid import CONSEQUENCES, kernel_line

_PERFORMANCE = "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER,CLOCK"
_AFTER = (*CONSEQUENCES, "cuda-no-device-error", "cuda-unknown-error")

LOST = Cause(
    slug="gpu-lost",
    title="The driver has lost a GPU: nvidia-smi cannot talk to it any more",
    why="The card no longer answers on the bus or its state is beyond repair at run time. Heat, power supply, a riser or slot, or a "
    "driver fault can do that.",
    signs=(
        Sign(r"GPU is lost"),
        Sign(
            r"Unable to determine the device handle for (?:the )?(?:gpu|device) ?(?P<bus>[0-9a-f:.]*)",
            STRONG,
            unless=(r"requires (?:a )?reset",),
        ),
        Sign(r"NVMLError_GpuIsLost"),
        Sign(r"NVML_ERROR_GPU_IS_LOST"),
        Sign(r"Reboot the system to recover this GPU"),
        Sign(r"ERR! [^a-z]{0,40}ERR!", FAIR),
        Sign(r"Gpu_?Is_?Lost", FAIR),
        Sign(r"GPU access blocked .{0,40}fallen", FAIR),
        Sign(r"/ ERR! \|", FAIR),
    ),
    unless=(r"fallen off the bus",),
    fixes=(
        Fix(
            do="Reboot (power off completely if a reboot does not bring it back): the lost GPU cannot be recovered while the system runs.",
            commands=("sudo reboot",),
            who="admin",
            risk="disruptive",
        ),
        Fix(
            do="Then look for the reason: the Xid of that moment in the kernel log, temperature and cooling, power supply and cables, "
            "riser and slot seating.",
            commands=("sudo dmesg -T | grep -i -e xid -e nvrm", _PERFORMANCE),
            who="admin",
            when="os!=windows",
        ),
        Fix(
            do="Update the driver; if it happens again under load, lower the power limit as a test (nvidia-smi -pl) and have cooling, "
            "power supply and card checked.",
            who="admin",
        ),
    ),
    explains=_AFTER,
    decide="sudo dmesg -T | grep -i xid",
    examples=(
        "|   2  NVIDIA RTX A6000    Off  | 00000000:61:00.0 Off |                 ERR! |\n"
        "|ERR!  ERR! ERR!    ERR! / ERR! |    331MiB / 49140MiB |    ERR!      Default |",
    ),
    counterexamples=("connection is lost", "Failed to initialize NVML: Driver/library version mismatch"),
)

RESET = Cause(
    slug="gpu-requires-reset",
    title="The driver demands that the GPU be reset",
    why="After an internal error the driver refuses new work on this GPU until it is reset or the node is rebooted.",
    signs=(
        Sign(r"GPU requires (?:a )?reset"),
        Sign(r"GPU Reset Required"),
        Sign(r"NVMLError_ResetRequired"),
        Sign(r"NVML_ERROR_RESET_REQUIRED"),
        Sign(r"NV_ERR_RESET_REQUIRED"),
        Sign(r"Reset Required : Yes"),
        Sign(r"Drain and Reset Recommended : Yes"),
        Sign(r"GPU Recovery Action : (?!None)\w+"),
        Sign(r"Node Reboot Required"),
        *kernel_line(46, 110, 143, 154, 158, strength=FAIR),
    ),
    fixes=(
        Fix(
            do="Stop what uses the GPU (drain the node), reset it, or reboot where a reset is refused.",
            commands=("sudo nvidia-smi --gpu-reset -i 0",),
            who="admin",
            risk="disruptive",
        ),
        Fix(do="Read the kernel log for the Xid that led to it.", commands=("sudo dmesg -T | grep -i xid",), who="admin"),
        Fix(do="If it returns, update the driver and run dcgmi diag -r 3 on the card.", who="admin"),
    ),
    explains=(*_AFTER, "gpu-driver-fault"),
    decide="sudo dmesg -T | grep -i xid",
    examples=(
        "nvmlDeviceGetMemoryInfo failed: GPU requires reset",
        "    GPU Reset Status\n        Reset Required                    : Yes\n        Drain and Reset Recommended       : Yes",
        "NVRM: Xid (PCI:0000:18:00): 154, pid=901, name=python3, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
    ),
    counterexamples=(
        "    GPU Reset Status\n        Reset Required                    : No",
        "    GPU Recovery Action                   : None",
    ),
)

THERMAL = Cause(
    slug="gpu-throttled-thermal",
    title="The GPU lowered its clocks because it is too hot",
    why="Near its temperature limit the GPU slows itself down, and so does the work.",
    signs=(
        Sign(r"HW Thermal Slowdown : Active"),
        Sign(r"SW Thermal Slowdown : Active"),
        Sign(r"thermal slowdown (?:is )?active", FAIR),
        Sign(r"thermal (?:violation|throttling) (?:detected|active)", FAIR),
        Sign(r"due to thermal violation"),
        Sign(r"Thermal Shutdown", FAIR, also=(r"NVRM",)),
        Sign(r"GPU .{0,40}has overheated", FAIR),
    ),
    fixes=(
        Fix(
            do="Improve the cooling: clean fans and filters, airflow between cards, inlet temperature; look at temperatures under load.",
            commands=(_PERFORMANCE,),
            who="admin",
        ),
        Fix(
            do="As a stopgap lower the power limit, which lowers the heat (and check the platform's temperature setting).",
            commands=("sudo nvidia-smi -pl 250",),
            who="admin",
        ),
    ),
    explains=("gpu-throttled-power",),
    decide=_PERFORMANCE,
    examples=(
        "    Clocks Throttle Reasons\n        SW Power Cap                      : Not Active\n        HW Slowdown                       "
        ": Active\n"
        "            HW Thermal Slowdown           : Active\n            HW Power Brake Slowdown       : Not Active",
    ),
    counterexamples=("            HW Thermal Slowdown           : Not Active\n        SW Thermal Slowdown               : Not Active",),
)

POWER = Cause(
    slug="gpu-throttled-power",
    title="The GPU lowered its clocks because of its power cap",
    why="The GPU runs at its power limit (SW Power Cap; normal at full load), or the power supply asked it to slow down (HW Power Brake).",
    signs=(
        Sign(r"HW Power Brake Slowdown : Active", STRONG),
        Sign(r"SW Power Cap : Active", FAIR),
        Sign(r"clocks? .{0,60}due to power (?:violation|cap)", FAIR),
        Sign(r"power brake slowdown (?:is )?active", FAIR),
    ),
    fixes=(
        Fix(
            do="At full load this is normal. To be faster, raise the power limit where the card allows it (nvidia-smi -q -d POWER shows "
            "the maximum).",
            commands=("nvidia-smi -q -d POWER", "sudo nvidia-smi -pl 350"),
            who="admin",
        ),
        Fix(
            do="HW Power Brake, or a cap far below the card's rating: check power supply, cables and connectors, and a limit set by the "
            "platform (BMC, laptop profile).",
            who="admin",
        ),
    ),
    decide=_PERFORMANCE,
    examples=(
        "    Clocks Event Reasons\n        Idle : Not Active\n        SW Power Cap                      : Active\n        HW Slowdown    "
        "                   : Not Active",
    ),
    counterexamples=("        SW Power Cap                      : Not Active", "        SW Power Capping                  : 0 us"),
)


def _narrower(groups: Mapping[str, str], _: Any) -> bool:
    """Fewer PCIe lanes are in use than the card has."""
    return int(groups["now"]) < int(groups["most"])


PCIE = Cause(
    slug="pcie-link-degraded",
    title="The GPU's PCIe link is narrower or slower than it should be",
    why="Fewer lanes (or an older generation) than the card can do: a riser, a wrong or shared slot, bad seating, or a BIOS setting. An "
    "idle GPU lowers the "
    "generation to save power, so the speed counts under load only; the width always counts.",
    signs=(
        Sign(r"Link Width Max : (?P<most>\d+)x Current : (?P<now>\d+)x", STRONG, test=_narrower),
        Sign(r"Width x\d+ \(downgraded\)"),
        Sign(r"limited by [\d.]+ GT/s PCIe x(?P<now>\d+) link .{0,80}capable of .{0,60}PCIe x(?P<most>\d+) link", FAIR, test=_narrower),
        Sign(r"LnkSta: Speed [\d.]+GT/s \(downgraded\)", FAIR),
        Sign(r"PCIe Bus Error: severity=Corrected", FAIR, also=(r"nvidia ",)),
        Sign(r"PCIe link (?:degraded|downgraded)", FAIR),
        Sign(r"PCIe GEN ?\d@ ?[124]x", WEAK),
        Sign(
            r"pcie\.link\.width\.max\b[^|]{0,60}? (?P<gen>\d), (?P<width>\d{1,2}), (?P<gen_max>\d), (?P<width_max>\d{1,2})\b",
            FAIR,
            test=lambda groups, situation: int(groups["width"]) < int(groups["width_max"]),
        ),
    ),
    fixes=(
        Fix(
            do="Check it under load: the width must be the card's, the generation the slot's.",
            commands=(
                "nvidia-smi --query-gpu=index,pcie.link.gen.current,pcie.link.gen.max,pcie.link.width.current,pcie.link.width.max "
                "--format=csv",
            ),
        ),
        Fix(
            do="Reseat the card, use the first x16 slot, replace the riser, and set the slot to Gen4/Gen5 x16 in the BIOS (no "
            "bifurcation, nothing sharing the lanes).",
            who="admin",
        ),
    ),
    decide="nvidia-smi -q | grep -A 12 'GPU Link Info'",
    examples=(
        "        GPU Link Info\n            Link Width\n                Max                       : 16x\n                Current         "
        "          : 4x",
        "LnkSta: Speed 8GT/s (ok), Width x8 (downgraded)",
    ),
    counterexamples=(
        "            Link Width\n                Max                       : 16x\n                Current                   : 16x",
    ),
)

DRIVER = Cause(
    slug="gpu-driver-fault",
    title="The NVIDIA driver itself failed",
    why="The kernel driver crashed, could not start the adapter, or reports an internal error. That often begins with one driver version "
    "or a kernel update.",
    signs=(
        Sign(r"RmInitAdapter failed", FAIR),
        Sign(r"rm_init_adapter failed", FAIR),
        Sign(r"NVRM: .{0,60}[Aa]ssert(?:ion)? failed", FAIR),
        Sign(r"(?:BUG: unable to handle|general protection fault|kernel NULL pointer).{0,1200}\[nvidia(?:_uvm|_drm|_modeset)?\]"),
        Sign(r"RIP: \w+:\w+\+0x[0-9a-f]+/0x[0-9a-f]+ \[nvidia"),
        Sign(r"nvidia-modeset: ERROR: GPU"),
        Sign(r"NVRM: (?:nvidia_open_deferred|GPU \S+: rm_init)", FAIR),
        Sign(r"VIDEO_TDR_FAILURE"),
        Sign(r"nvlddmkm stopped responding"),
        Sign(r"nvlddmkm.{0,80}(?:Event ID|TDR)", FAIR),
        *kernel_line(12, 16, 26, 38, 44, 56, 59, 61, 66, 67, 109, strength=FAIR),
    ),
    fixes=(
        Fix(do="Reset the GPU or reboot.", commands=("sudo reboot",), who="admin", risk="disruptive"),
        Fix(
            do="Install another driver version: the newest of the branch, or the one before it if the fault began with an update (with "
            "the kernel it supports).",
            who="admin",
        ),
        Fix(
            do="If other driver versions fail too, look at the hardware: power, seating, VBIOS, Above 4G Decoding in the BIOS.", who="admin"
        ),
    ),
    explains=(*_AFTER, "gpu-lost"),
    decide="sudo dmesg -T | grep -i nvrm",
    examples=(
        "BUG: unable to handle page fault for address: ffffb2c9c0a31000\nRIP: 0010:_nv012345rm+0x1d/0x60 [nvidia]",
        "nvidia-modeset: ERROR: GPU:0: Idling display engine timed out: 0x0000c57d:0:0:1128",
    ),
    counterexamples=("NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.104.05",),
)

CAUSES = (LOST, RESET, THERMAL, POWER, PCIE, DRIVER)
