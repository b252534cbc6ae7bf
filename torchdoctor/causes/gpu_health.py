"""What nvidia-smi and the kernel log say of a GPU that is lost, has to be reset, or whose driver failed."""

from __future__ import annotations

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.causes.xid import CONSEQUENCES, kernel_line

PERFORMANCE = "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER,CLOCK"
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
        Sign(r"\bERR! .{0,40}/ {1,2}\d+W \|", FAIR),
        Sign(r"amdgpu: device lost from bus"),
        Sign(r"device handle for (?:the )?GPU ?[0-9a-f:.]{4,20}: Unknown Error", FAIR, unless=(r"requires (?:a )?reset",)),
        Sign(r"determine the device handle for (?:the )?GPU", FAIR, unless=(r"requires (?:a )?reset",)),
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
            commands=("sudo dmesg -T | grep -i -e xid -e nvrm", PERFORMANCE),
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

# the text itself says that it began with another version of the driver
_BEGAN_WITH = (
    *(rf"(?:since|after|before|until) (?:\w+ ){{0,3}}{word}" for word in ("updat(?:e|ing)", "upgrad(?:e|ing)")),
    *(
        rf"{word} (?:\w+ ){{0,3}}(?:nvidia[\w-]{{0,16}}|drivers?) (?:version )?v?\d{{3}}\.\d{{2,3}}"
        for word in ("works", "worked", "fine", "stable")
    ),
)
_IN_VAIN = (
    r"\bstill\b",
    r"no change",
    r"(?:not|n't) help",
    r"nothing changed",
    r"\bno (?:more )?Xid",
    r"everything works",
    r"(?:fixed|solved|resolved|gone)\b",
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
        Sign(r"DCGM_FR_GPU_RECOVERY_(?:RESET|REBOOT|DRAIN)"),
        Sign(r"gpu_recovery_action\b.{0,200}?\d, (?:Reset|Reboot|Drain)\b"),
        *kernel_line(46, 110, 143, 154, 158, strength=FAIR),
    ),
    unless=tuple(rf"{pattern}.{{0,160}}\d{{3}}\.\d{{2,3}}\.\d{{2}}" for pattern in _BEGAN_WITH[:2]),
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


DRIVER = Cause(
    slug="gpu-driver-fault",
    title="The NVIDIA driver itself failed",
    why="The kernel driver crashed, could not start the adapter, or reports an internal error. That often begins with one driver version "
    "or a kernel update.",
    signs=(
        *(
            Sign(began, STRONG, also=(log, r"\d{3}\.\d{2,3}\.\d{2}"), unless=_IN_VAIN, near=500)
            for began in _BEGAN_WITH
            for log in (r"\bXid \d+", r"NVRM: ", r"nvidia-modeset: ")
        ),
        Sign(r"RmInitAdapter failed", STRONG, unless=(r"No devices (?:were )?found",)),
        Sign(r"rm_init_adapter failed", FAIR),
        Sign(r"NVRM: .{0,60}[Aa]ssert(?:ion)? failed", FAIR),
        Sign(r"(?:BUG: unable to handle|general protection fault|kernel NULL pointer).{0,1200}\[nvidia(?:_uvm|_drm|_modeset)?\]"),
        Sign(r"RIP: \w+:\w+\+0x[0-9a-f]+/0x[0-9a-f]+ \[nvidia"),
        Sign(r"nvidia-modeset: ERROR: GPU"),
        Sign(r"NVRM: (?:nvidia_open_deferred|GPU \S+: rm_init)", FAIR),
        Sign(r"VIDEO_TDR_FAILURE"),
        Sign(r"nvlddmkm stopped responding", FAIR),
        Sign(r"VIDEO_TDR_ERROR"),
        Sign(r"\\Device\\Video\d+ .{0,80}GPUID: \d+", FAIR),
        Sign(r"soft lockup - CPU#\d+ stuck for \d+s! \[(?:nv|irq/\d+-nv)", FAIR),
        Sign(r"INFO: task nv[\w-]{1,20}:\d+ blocked for more than \d+ seconds"),
        Sign(r"kernel BUG at .{0,80}nvidia", FAIR),
        Sign(r"nvlddmkm.{0,80}(?:Event ID|TDR)", FAIR),
        *kernel_line(12, 16, 26, 38, 44, 56, 59, 61, 66, 67, 109, strength=FAIR),
        Sign(r"osInitNvMapping.{0,30}Cannot attach gpu"),
    ),
    fixes=(
        Fix(do="Reset the GPU or reboot.", commands=("sudo reboot",), who="admin", risk="disruptive"),
        Fix(
            do="Install another driver version: the newest of the branch, or roll back (downgrade) to the previous one if the fault began "
            "with an update (with the kernel it supports).",
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
        "INFO: task nvidia-smi:9021 blocked for more than 120 seconds.",
        "Since the upgrade to nvidia-open 580.95.05 each job ends with Xid 31 and Xid 154; 575.57.08 ran for weeks.",
        "nvidia-modeset: ERROR: GPU:0: Idling display engine timed out: 0x0000c57d:0:0:1128",
        "NVRM: osInitNvMapping: *** Cannot attach gpu\nNVRM: RmInitAdapter: osInitNvMapping failed, bailing out of RmInitAdapter",
        "[ 31.9] NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:894)\n[ 31.9] NVRM: GPU 0000:01:00.0: rm_init_adapter failed, device minor number 0",
    ),
    counterexamples=(
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.104.05",
        "After the upgrade to 550.54.14 it still ends with\nNVRM: Xid (PCI:0000:1b:00): 31, pid=99, name=python3, Ch 00000008",
    ),
)

CAUSES = (LOST, RESET, DRIVER)
