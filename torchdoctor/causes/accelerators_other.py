"""Accelerators other than NVIDIA: faults of AMD ROCm, Habana Gaudi."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

ROCM_FAULT = Cause(
    slug="rocm-memory-access-fault",
    title="An AMD GPU reported a page fault",
    why="A kernel used an address that is not mapped. Besides program errors this comes from a GPU that the ROCm build does not support, "
    "or a wrong "
    "HSA_OVERRIDE_GFX_VERSION that makes it run code of another chip.",
    signs=(
        Sign(r"Queue \S{1,24} aborting with error"),
        Sign(r"amdgpu: qcm fence wait loop timeout", FAIR),
        Sign(r"cp might be in an unrecoverable state", FAIR),
        Sign(r"GPU core dump failed", FAIR),
        Sign(r"amdgpu.{0,40}GPU reset\(\d", FAIR),
        Sign(r"VM_L2_PROTECTION_FAULT_STATUS"),
        Sign(r"\[mmhub\d*\].{0,40}page fault"),
        Sign(r"MES failed to respond to msg=", FAIR),
        Sign(r"failed to remove hardware queue from MES", FAIR),
        Sign(r"(?:segfault|protection fault).{0,120} in lib(?:amdhip64|hsa-runtime64)\.so", FAIR),
        Sign(r"Faulty UTCL2 client ID", FAIR),
        Sign(r"amdgpu: GPU fault detected", FAIR),
        Sign(r"reason ?: ?GPU Hang", FAIR),
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
        "Callback: Queue 0x7f2d88a00000 aborting with error : HSA_STATUS_ERROR_OUT_OF_RESOURCES: The runtime failed to allocate the necessary resources. code: 0x1008",
        "amdgpu 0000:0b:00.0: amdgpu: GCVM_L2_PROTECTION_FAULT_STATUS:0x00841051\namdgpu 0000:0b:00.0: amdgpu: \t Faulty UTCL2 client ID: TCP (0x8)",
        "amdgpu 0000:0b:00.0: amdgpu: MES failed to respond to msg=REMOVE_QUEUE",
        "amdgpu 0000:03:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=1205, emitted seq=1207",
        "Memory access fault by GPU node-1 (Agent handle: 0x5581c0de) on address 0x7f21d4000000. Reason: Page not present or supervisor "
        "privilege.\nAborted (core dumped)",
        "HW Exception by GPU node-1 (Agent handle: 0x55d4) reason :GPU Hang",
        ":0:rocdevice.cpp :2984: Aborting with error : HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION: The agent attempted to access memory "
        "beyond the largest legal address.",
    ),
    counterexamples=(
        "amdgpu 0000:0b:00.0: amdgpu: ring comp_1.0.0 uses VM inv eng 1 on hub 0",
        "Segmentation fault (core dumped)",
    ),
)

GAUDI = Cause(
    slug="gaudi-graph-compile-failed",
    title="The Habana graph compiler could not compile the model's graph",
    why="On Gaudi every graph is compiled by SynapseAI. Versions of driver, SynapseAI and framework that do not belong together, or an "
    "operation or shape without "
    "a kernel, make it fail with synStatus 26.",
    signs=(
        Sign(r"Graph optimization failed pass: \w", FAIR),
        Sign(r"Habana exception raised from", FAIR),
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
        "[PASS_MANAGER ][error][tid:88] Graph optimization failed pass: loadTpcKernels",
        "[Rank:0] FATAL ERROR :: MODULE:PT_DEVICE Exception in mark_step\n[Rank:0] Habana exception raised from mark_step at HPUGraph.cpp:92",
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
        Sign(r"synDeviceAcquire.{0,80}fail"),
        Sign(r"habanalabs.{0,60}(?:failed to initialize|Device is NOT usable|Failed to communicate with Device CPU)"),
        Sign(r"\bno (?:habanalabs?|habana|HPU|gaudi) devices? (?:was |were )?(?:found|available|detected)", FAIR),
        ends_in("habana_frameworks/torch/hpu/__init__.py", "_?(?:lazy_)?init", code=r"_hpu_C\.init\("),
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
        "HCCL demo error: In function initDevice(): synDeviceAcquire(&resources.deviceHandle, nullptr) failed with synapse error: 20",
        "habanalabs hl5: failed to initialize the H/W\nhabanalabs 0000:b3:00.0: Failed to initialize hl5. Device is NOT usable !",
        "RuntimeError: synStatus=9 [Device already acquired] Device open failed.",
        "RuntimeError: synStatus=8 [Device not found] Device acquire failed.",
    ),
    counterexamples=(
        "habanalabs hl0: Successfully loaded firmware to device",
        "lock acquire failed",
    ),
)

CAUSES = (ROCM_FAULT, GAUDI, GAUDI_BUSY)
