"""Accelerators other than NVIDIA: AMD ROCm, Intel XPU, Habana Gaudi."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

ROCM_FAULT = Cause(
    slug="rocm-memory-access-fault",
    title="An AMD GPU reported a page fault",
    why="A kernel used an address that is not mapped. Besides program errors this comes from a GPU that the ROCm build does not support, "
    "or a wrong "
    "HSA_OVERRIDE_GFX_VERSION that makes it run code of another chip.",
    signs=(
        Sign(r"Memory access fault by GPU node-?\d+"),
        Sign(r"Page not present or supervisor privilege"),
        Sign(r"\[gfxhub\d*\] .{0,30}page fault"),
        Sign(r"HSA_STATUS_ERROR_(?:MEMORY_FAULT|MEMORY_APERTURE_VIOLATION|ILLEGAL_INSTRUCTION|EXCEPTION)"),
        Sign(r"HIP error: (?:an illegal memory access was encountered|unspecified launch failure)"),
        Sign(r"hipErrorIllegalAddress"),
        Sign(r"HW Exception by GPU node-?\d+"),
        Sign(r"amdgpu: GPU reset begin", FAIR),
        Sign(r"amdgpu.{0,60}ring \w[\w.]{0,24} timeout", FAIR),
    ),
    fixes=(
        Fix(
            do="Check that the ROCm build supports this GPU (rocminfo shows its gfx target, torch.cuda.get_arch_list() what was built), "
            "and remove a wrong "
            "HSA_OVERRIDE_GFX_VERSION, or set the right one for a close relative.",
            commands=("rocminfo | grep gfx", "unset HSA_OVERRIDE_GFX_VERSION"),
        ),
        Fix(
            do="Update ROCm, the amdgpu kernel driver and PyTorch together, and look at dmesg for amdgpu lines.",
            commands=("sudo dmesg -T | grep -i amdgpu",),
            who="admin",
        ),
        Fix(
            do="To find the kernel run with AMD_SERIALIZE_KERNEL=3 (and HSA_ENABLE_SDMA=0 as a test on consumer cards).",
            commands=("AMD_SERIALIZE_KERNEL=3 python your_script.py",),
        ),
    ),
    refines=("illegal-memory-access", "unspecified-launch-failure"),
    explains=("peer-rank-died-elsewhere", "nccl-watchdog-abort", "rank-segfault"),
    examples=(
        "amdgpu 0000:03:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=1205, emitted seq=1207",
        "Memory access fault by GPU node-1 (Agent handle: 0x5581c0de) on address 0x7f21d4000000. Reason: Page not present or supervisor "
        "privilege.\nAborted (core dumped)",
        "HW Exception by GPU node-1 (Agent handle: 0x55d4) reason :GPU Hang",
        ":0:rocdevice.cpp :2984: Aborting with error : HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION: The agent attempted to access memory "
        "beyond the largest legal address.",
    ),
    counterexamples=("Segmentation fault (core dumped)",),
)

XPU_LOST = Cause(
    slug="xpu-device-lost",
    title="The Intel GPU was lost or reset while it worked",
    why="The kernel driver (i915 or xe) reset the GPU, usually after a hang, an out-of-memory condition or a driver fault, and the "
    "running program lost its device.",
    signs=(
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
        "AssertionError: Torch not compiled with XPU enabled",
        "RuntimeError: No XPU devices are available.",
        "RuntimeError: Native API failed. Native API returns: -1102 (PI_ERROR_UNINITIALIZED) -1102 (PI_ERROR_UNINITIALIZED)",
    ),
    counterexamples=("2 XPU devices are available, using xpu:0",),
)

GAUDI = Cause(
    slug="gaudi-graph-compile-failed",
    title="The Habana graph compiler could not compile the model's graph",
    why="On Gaudi every graph is compiled by SynapseAI. Versions of driver, SynapseAI and framework that do not belong together, or an "
    "operation or shape without "
    "a kernel, make it fail with synStatus 26.",
    signs=(
        Sign(r"Graph compile failed\.? ?(?:\d+ )?(?:synStatus)?"),
        Sign(r"synStatus ?=? ?(?:synStatus )?26"),
        Sign(r"synGraphCompile: SYN_API_CALL failed"),
        Sign(r"Failed to load tpc kernel for node"),
        Sign(r"compileGraph: Can not compile"),
        Sign(r"FATAL ERROR :: MODULE:PT_(?:BRIDGE|SYNHELPER|LAZY|EAGER)", FAIR),
        Sign(r"synNodeCreate\w{0,12} failed for node", FAIR),
    ),
    fixes=(
        Fix(
            do="Use one validated set of versions: driver, SynapseAI, the habana_frameworks PyTorch and optimum-habana of the same "
            "release (hl-smi shows the driver's).",
            commands=("hl-smi", "pip list | grep -i -e habana -e optimum -e torch"),
        ),
        Fix(
            do="Look in $HABANA_LOGS for the node that failed (LOG_LEVEL_ALL=3), and replace or move that operation, or use eager mode "
            "(PT_HPU_LAZY_MODE=0).",
            commands=("export LOG_LEVEL_ALL=3 ENABLE_CONSOLE=true",),
        ),
        Fix(do="If memory is short on the card, use a smaller batch size or fixed (bucketed) shapes."),
    ),
    explains=("peer-rank-died-elsewhere", "nccl-watchdog-abort"),
    examples=(
        "RuntimeError: synNodeCreateWithId failed for node: strided_insert with synStatus 1 [Invalid argument]",
        "RuntimeError: Graph compile failed. synStatus=synStatus 26 [Generic failure].",
        "RuntimeError: [Rank:0] FATAL ERROR :: MODULE:PT_BRIDGE Exception in Launch thread...\nCheck $HABANA_LOGS/ for detailsGraph "
        "compile failed. synStatus=26 [Generic failure].",
    ),
    counterexamples=("TensorRT: graph compile finished",),
)

GAUDI_BUSY = Cause(
    slug="gaudi-device-acquire-failed",
    title="No Habana device could be acquired",
    why="All Gaudi devices are held by other processes, are not visible in the container, or are in a bad state.",
    signs=(
        Sign(r"synStatus=8 \[Device not found\]"),
        Sign(r"Device acquire failed"),
        Sign(r"synDeviceAcquire\w{0,20} .{0,80}fail"),
        Sign(r"\[Device already acquired\]"),
    ),
    fixes=(
        Fix(
            do="Look at hl-smi for processes that hold the devices, and stop leftover ones; ask for no more devices than are there.",
            commands=("hl-smi",),
        ),
        Fix(do="In a container use the habana runtime: docker run --runtime=habana -e HABANA_VISIBLE_DEVICES=all.", who="admin"),
    ),
    explains=("peer-rank-died-elsewhere",),
    examples=(
        "RuntimeError: synStatus=9 [Device already acquired] Device open failed.",
        "RuntimeError: synStatus=8 [Device not found] Device acquire failed.",
    ),
    counterexamples=("lock acquire failed",),
)

CAUSES = (ROCM_FAULT, XPU_LOST, XPU_RESOURCES, XPU_FP64, XPU_MISSING, GAUDI, GAUDI_BUSY)
