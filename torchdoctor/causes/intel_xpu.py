"""Intel GPUs (XPU): lost, out of memory, without double precision, or not found."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

XPU_LOST = Cause(
    slug="xpu-device-lost",
    title="The Intel GPU was lost or reset while it worked",
    why="The kernel driver (i915 or xe) reset the GPU, usually after a hang, an out-of-memory condition or a driver fault, and the "
    "running program lost its device.",
    signs=(
        Sign(r"\bxe\b.{0,80}Timedout job", FAIR),
        Sign(r"Xe device coredump has been created", FAIR),
        Sign(r"Engine memory CAT error", FAIR),
        Sign(r"UR_RESULT_ERROR_DEVICE_LOST"),
        Sign(r"(?:PI|ZE_RESULT)_ERROR_DEVICE_LOST"),
        Sign(r"ZE_RESULT_ERROR_DEVICE_LOST"),
        Sign(r"Native API returns: (?:20|-20) \("),
        Sign(r"\[drm\] GPU HANG", FAIR),
        Sign(r"\[drm\].{0,60}(?:Engine|engine) reset", FAIR),
        Sign(r"level_zero backend failed with error: 20"),
        Sign(r"\[drm\] (?:\S{1,12} )?Resetting (?:rcs|ccs|bcs|vcs|chip)", FAIR),
        Sign(r"Native API returns: -?\d{1,4} \(\w{0,30}DEVICE_LOST"),
    ),
    fixes=(
        Fix(
            do="Update the Intel GPU runtime (compute-runtime, level-zero), the kernel and PyTorch's XPU build to versions that fit each "
            "other.",
            commands=("pip install --upgrade torch --index-url https://download.pytorch.org/whl/xpu",),
        ),
        Fix(
            do="Look at the kernel log for the hang or reset of that moment.",
            commands=("sudo dmesg -T | grep -i -e xe -e i915 -e drm",),
            who="admin",
            when="os!=windows",
        ),
        Fix(
            do="Lower the load as a test: smaller batch or resolution (memory pressure ends in a reset on shared-memory GPUs), driver "
            "update on Windows."
        ),
    ),
    explains=("peer-rank-died-elsewhere",),
    examples=(
        "xe 0000:03:00.0: [drm] Xe device coredump has been created",
        "i915 0000:03:00.0: [drm] Resetting rcs0 for preemption time out",
        "RuntimeError: Native API failed. Native API returns: 20 (UR_RESULT_ERROR_DEVICE_LOST)",
        "RuntimeError: level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)",
    ),
    counterexamples=("bluetooth device lost",),
)

XPU_RESOURCES = Cause(
    slug="xpu-out-of-memory",
    title="The Intel GPU ran out of memory or resources",
    why="Level Zero could not allocate device memory for a tensor or a kernel, or one allocation exceeds the 4 GB limit of the card's "
    "driver.",
    signs=(
        Sign(r"UR_RESULT_ERROR_OUT_OF_(?:DEVICE_MEMORY|RESOURCES|HOST_MEMORY)"),
        Sign(r"PI_ERROR_OUT_OF_RESOURCES"),
        Sign(r"XPU out of memory"),
        Sign(r"Current platform can NOT allocate memory block with size larger than"),
        Sign(r"out of device memory on current platform"),
        Sign(r"ZE_RESULT_ERROR_OUT_OF_(?:DEVICE|HOST)_MEMORY"),
        Sign(r"PI_ERROR_(?:OUT_OF_HOST_MEMORY|MEM_OBJECT_ALLOCATION_FAILURE)"),
        Sign(r"Native API returns: (?:39|40|-5|-6) \(", FAIR),
    ),
    fixes=(
        Fix(do="Use less at once: smaller batch size, resolution or context, bfloat16 or quantized weights, activation checkpointing."),
        Fix(
            do="For single blocks above 4 GB: UR_L0_ENABLE_RELAXED_ALLOCATION_LIMITS=1, or split the tensor.",
            commands=("export UR_L0_ENABLE_RELAXED_ALLOCATION_LIMITS=1",),
        ),
    ),
    refines=("cuda-oom",),
    explains=("cuda-oom", "cuda-oom-at-load"),
    examples=(
        "RuntimeError: Allocation is out of device memory on current platform.",
        "RuntimeError: UR backend failed. UR backend returns:40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)",
        "torch.OutOfMemoryError: XPU out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.56 GiB.",
    ),
    counterexamples=("swap out of resources",),
)

XPU_FP64 = Cause(
    slug="xpu-fp64-unsupported",
    title="The Intel GPU has no double precision (float64) and the program uses it",
    why="Arc and integrated Intel GPUs do not compute in float64. A tensor or a kernel of that type, often made by default from NumPy or a "
    "Python number, cannot run on them.",
    signs=(
        Sign(r"Double (?:type|precision) is not supported (?:by|on|in) (?:this|the) (?:platform|device|hardware)", FAIR),
        Sign(r"\bfp64\b.{0,40}(?:not supported|unsupported)", FAIR, also=(r"(?:\bxpu\b|sycl|level.zero|\bArc\b|oneapi)",)),
        Sign(r"Required aspect fp64 is not supported"),
        Sign(r"uses-fp64-math"),
        Sign(r"Double type is not supported on this device"),
        Sign(r"FP64 data type is unsupported on current platform"),
    ),
    fixes=(
        Fix(
            do="Use float32 (or bfloat16) instead of float64: tensor.float(), dtype=torch.float32, torch.set_default_dtype(torch.float32).",
            code='x = x.float().to("xpu")',
        ),
        Fix(do="Do that one operation on the CPU, or update PyTorch's XPU build: newer ones avoid float64 inside their kernels."),
        Fix(
            do="As a stopgap let the driver emulate it (slow).",
            commands=("export OverrideDefaultFP64Settings=1 IGC_EnableDPEmulation=1",),
        ),
    ),
    examples=(
        "error: Double type is not supported on this platform.",
        "RuntimeError: Required aspect fp64 is not supported on the device",
        "RuntimeError: Native API failed. Native API returns: -996 (Function exists but address is not available)\n"
        'invalid_kernel("uses-fp64-math")',
    ),
    counterexamples=("TypeError: Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.",),
)

XPU_MISSING = Cause(
    slug="xpu-not-available",
    title="No Intel GPU is usable: torch is no XPU build, or the GPU's driver or runtime is missing, too old, or may not be opened",
    why="PyTorch's XPU build finds Intel GPUs through Level Zero (compute-runtime). Without that driver, with mixed oneAPI versions, or "
    "without access to /dev/dri/renderD*, there is none.",
    refines=("torch-cpu-only-build",),
    signs=(
        Sign(r"(?:Error loading|cannot open|could not load).{0,260}intel-ext-pt-gpu", FAIR),
        Sign(r"intel-ext-pt-gpu\.(?:dll|so)\W{1,3}(?:or one of its|cannot open|not found)", FAIR),
        Sign(r"\bNo XPU devices? (?:are |is |was |were )?(?:found|available|detected)", FAIR),
        Sign(r"(?:Error|Exception)\W.{0,60}\bXPU (?:device )?(?:is |was )?not (?:available|found)", FAIR),
        Sign(r"libze_loader\.so\S{0,4}: cannot open"),
        ends_in("torch/xpu/__init__.py", "_lazy_init", code=r"torch\._C\._xpu_init\("),
        Sign(r"No XPU devices are available"),
        Sign(r"XPU device count is zero"),
        Sign(r"(?:PI|UR_RESULT)_ERROR_UNINITIALIZED"),
        Sign(r"ZE_RESULT_ERROR_UNINITIALIZED"),
        Sign(r"returns: -1 \(PI_ERROR_DEVICE_NOT_FOUND\)"),
        Sign(r"PI_ERROR_DEVICE_NOT_FOUND", FAIR),
        Sign(r"No device of requested type available.{0,80}(?:sycl|PI_ERROR|UR_RESULT|dpc)", FAIR),
        Sign(r"Torch not compiled with XPU enabled"),
    ),
    fixes=(
        Fix(
            do="Install the Intel GPU driver (on Linux intel-opencl-icd, libze1 and intel-level-zero-gpu; on Windows the current Arc driver) "
            "and the XPU build of PyTorch, in versions that fit each other.",
            commands=("sycl-ls", "pip install --upgrade torch --index-url https://download.pytorch.org/whl/xpu"),
        ),
        Fix(
            do="On Linux the user must be in the groups render and video; a container needs --device /dev/dri.",
            commands=("ls -l /dev/dri",),
            when="os=linux",
        ),
        Fix(do='Or choose the device: torch.device("xpu" if torch.xpu.is_available() else "cpu").'),
    ),
    examples=(
        "RuntimeError: No XPU devices found",
        "ImportError: libze_loader.so.1: cannot open shared object file: No such file or directory",
        '  File "/srv/v/lib/python3.12/site-packages/torch/xpu/__init__.py", line 131, in _lazy_init\n    torch._C._xpu_init()',
        "AssertionError: Torch not compiled with XPU enabled",
        "RuntimeError: No XPU devices are available.",
        "RuntimeError: Native API failed. Native API returns: -1102 (PI_ERROR_UNINITIALIZED) -1102 (PI_ERROR_UNINITIALIZED)",
    ),
    counterexamples=("2 XPU devices are available, using xpu:0",),
)

CAUSES = (XPU_LOST, XPU_RESOURCES, XPU_FP64, XPU_MISSING)
