"""Kernels that die on the GPU: illegal or misaligned addresses, illegal instructions."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

AFTER_FAULT = (
    "nccl-watchdog-abort",
    "peer-rank-died-elsewhere",
    "nccl-heartbeat-monitor",
    "cublas-execution-failed",
    "cudnn-execution-failed",
    "cublas-not-initialized",
    "xid-43-channel-stopped",
    "xid-45-preemptive-cleanup",
)
_LOCATE = Fix(
    do="CUDA reports the fault at a later call, so the line shown may be innocent: rerun with CUDA_LAUNCH_BLOCKING=1 to get the real "
    "one, and "
    "under compute-sanitizer to get the kernel and the address.",
    commands=("CUDA_LAUNCH_BLOCKING=1 python your_script.py", "compute-sanitizer --tool memcheck python your_script.py"),
)

ILLEGAL_ACCESS = Cause(
    slug="illegal-memory-access",
    title="A CUDA kernel touched an address that is not its own",
    why="A kernel read or wrote outside of its memory. Kernels run asynchronously, so the error surfaces at the next synchronising call, "
    "such "
    "as .item(), .cpu() or a copy; the traceback often shows the wrong line. Usual reasons: an index out of range in a custom or fused "
    "kernel, more than 2**31 elements in a kernel with 32-bit indices, or a tensor of another device.",
    signs=(
        Sign(r"an illegal memory access was encountered"),
        Sign(r"CUDA_ERROR_ILLEGAL_ADDRESS"),
        Sign(r"cudaErrorIllegalAddress"),
        Sign(r"cuda runtime error \((?:77|700)\)"),
        Sign(r"error=(?:77|700) : an illegal"),
        Sign(r"Invalid __(?:global|shared|local)__ (?:read|write|atomic) of size \d+"),
        Sign(r"CUDA error: an illegal memory"),
        Sign(r"CUDA error 700"),
        Sign(r"Address 0x[0-9a-f]+ is out of bounds", FAIR),
        Sign(r"(?:Warp|Lane|Device|Cluster) Illegal Address", FAIR),
        Sign(r"(?:Warp|Lane|Device|Cluster) Out-of-range", FAIR),
        Sign(r"\[700\] Call to \w+ results in"),  # numba
        Sign(r"CUDA (?:runtime |driver )?(?:error|failure):?,? \(?(?:code )?700\b"),
        Sign(r"operation not supported on global/shared address space", FAIR),
        Sign(r"cudaErrorInvalidAddressSpace", FAIR),
        Sign(r"CUDA error: invalid program counter", FAIR),
        Sign(r"CUDA error: hardware stack error", FAIR),
        Sign(r"THCudaCheck FAIL .{1,200}error=(?:77|700)\b", FAIR),
        Sign(r"cudaSuccess \((?:77|700) vs\. 0\)", FAIR),
    ),
    fixes=(
        _LOCATE,
        Fix(
            do="Then check what goes into that kernel: indices within bounds, tensors contiguous and all on the right device "
            "(torch.cuda.set_device / CUDAGuard for custom kernels), and sizes below 2**31 elements (split the batch or the buffer where a "
            "32-bit index overflows).",
        ),
        Fix(
            do="If the kernel comes from a library (apex, xformers, flash-attn, Triton, spconv, NCCL), update it together with PyTorch, "
            "or switch "
            "that kernel off to see whether the fault goes away.",
        ),
        Fix(
            do="If every program fails so on one GPU and none on another, the card is suspect: test its hardware (dcgmi diag -r 3, gpu-burn) "
            "and replace it.",
            who="admin",
        ),
    ),
    explains=AFTER_FAULT,
    decide="CUDA_LAUNCH_BLOCKING=1 python your_script.py",
    examples=(
        '  File "/srv/exp/loop.py", line 71, in step\n    total += loss.item()\nRuntimeError: CUDA error: an illegal memory access was '
        "encountered\n"
        "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.",
        "RuntimeError: cuda runtime error (77) : an illegal memory access was encountered at "
        "/pytorch/aten/src/THC/generic/THCTensorCopy.cpp:20",
        "numba.cuda.cudadrv.driver.CudaAPIError: [700] Call to cuMemcpyDtoH results in UNKNOWN_CUDA_ERROR",
        "CUDA Exception: Warp Illegal Address\nThe exception was triggered at PC 0x7ffe2b4 (gather.cu:41)",
        "========= Invalid __global__ write of size 4 bytes\n=========     at 0x1b0 in gather_rows(float *, int const *)",
        "[rank5]:[E] ProcessGroupNCCL.cpp:1153] Process group watchdog thread terminated with exception: CUDA error: an illegal memory "
        "access was "
        "encountered",
    ),
    counterexamples=("Segmentation fault (core dumped)",),
)

MISALIGNED = Cause(
    slug="misaligned-address",
    title="A CUDA kernel accessed memory at a misaligned address",
    why="Vectorised loads need addresses that are multiples of 4, 8 or 16 bytes. A slice or view that starts at an odd offset, or a kernel "
    "compiled with wrong alignment (an older PyTorch, a Triton or CUTLASS kernel, an extension), breaks that.",
    signs=(
        Sign(r"CUDA error: misaligned address"),
        Sign(r"CUDA_ERROR_MISALIGNED_ADDRESS"),
        Sign(r"cudaErrorMisalignedAddress"),
        Sign(r"cuda runtime error \((?:74|716)\)"),
        Sign(r"misaligned address", FAIR),
        Sign(r"Address 0x[0-9a-f]+ is misaligned"),
        Sign(r"Error Misaligned Operand", FAIR),
        Sign(r"cutlass.{0,60}misaligned", FAIR),
        Sign(r"\[716\] Call to \w+ results in"),
        Sign(r"CUDA (?:runtime |driver )?(?:error|failure):?,? \(?(?:code )?716\b"),
        Sign(r"THCudaCheck FAIL .{1,200}error=(?:74|716)\b", FAIR),
        Sign(r"cudaSuccess \((?:74|716) vs\. 0\)", FAIR),
    ),
    fixes=(
        Fix(
            do="Give the kernel aligned, contiguous inputs: call .contiguous() or .clone() on slices and views before the failing "
            "operation, and pad "
            "sizes to a multiple of 8.",
            code="out = op(x.contiguous(), w.contiguous())",
        ),
        Fix(
            do="Update PyTorch (with its CUDA build), Triton and the extension that holds the kernel: several such kernels were corrected."
        ),
        _LOCATE,
    ),
    refines=("illegal-memory-access",),
    explains=(*AFTER_FAULT, "xid-13-graphics-exception"),
    examples=(
        "RuntimeError: CUDA error: misaligned address\nCUDA kernel errors might be asynchronously reported at some other API call",
        "========= Invalid __global__ read of size 8 bytes\n=========     at 0x90 in scale_rows(float2 *)\n"
        "=========     Address 0x7f2c40000204 is misaligned",
        "RuntimeError: cutlass cannot implement, misaligned operand: Error Misaligned Operand",
    ),
    counterexamples=("MAC address misread",),
)

LAUNCH_FAILURE = Cause(
    slug="unspecified-launch-failure",
    title="A CUDA kernel died without a specific reason",
    why="The driver ended a kernel (error 4 or 719) and gives no detail: a bad access in a custom kernel, a driver fault, or hardware "
    "(heat, "
    "power, memory). The kernel log (dmesg) has an Xid number for it.",
    signs=(
        Sign(r"unspecified launch failure"),
        Sign(r"CUDA_ERROR_LAUNCH_FAILED"),
        Sign(r"cudaErrorLaunchFailure"),
        Sign(r"cuda runtime error \((?:4|719)\)"),
        Sign(r"\[719\] Call to \w+ results in"),
        Sign(r"CUDA (?:runtime |driver )?(?:error|failure):?,? \(?(?:code )?719\b"),
        Sign(r"THCudaCheck FAIL .{1,200}error=(?:4|719)\b", FAIR),
        Sign(r"cudaSuccess \((?:4|719) vs\. 0\)", FAIR),
    ),
    fixes=(
        Fix(
            do="Look in the kernel log for the Xid of that moment: it tells a program fault (13, 31) from a hardware or driver one (48, "
            "79, 119).",
            commands=("sudo dmesg -T | grep -i xid",),
            when="os!=windows",
        ),
        Fix(
            do="Rerun with CUDA_LAUNCH_BLOCKING=1 to get the real line; test single kernels with compute-sanitizer.",
            commands=("CUDA_LAUNCH_BLOCKING=1 python your_script.py",),
        ),
        Fix(
            do="If the failing line changes from run to run, suspect the machine: update the driver, watch temperature and power, undo "
            "overclocking, test the card with other programs (gpu-burn, dcgmi diag).",
            commands=("nvidia-smi -q -d TEMPERATURE,POWER,ECC",),
        ),
    ),
    explains=AFTER_FAULT,
    decide="sudo dmesg -T | grep -i xid",
    examples=(
        "RuntimeError: CUDA error: unspecified launch failure",
        "CUDA error 719 at kernels/rope.cu:88",
        "THCudaCheck FAIL file=/pytorch/aten/src/THC/THCTensorMath.cu line=12 error=4 : unspecified launch failure",
        "torch.AcceleratorError: CUDA error: unspecified launch failure\nSearch for `cudaErrorLaunchFailure' in the CUDA documentation.",
    ),
    counterexamples=("launch failed: torchrun: command not found",),
)

ILLEGAL_INSTRUCTION = Cause(
    slug="gpu-illegal-instruction",
    title="A CUDA kernel ran into an illegal instruction on the GPU",
    why="The GPU met an instruction it cannot execute: a kernel built for another architecture variant, a broken JIT cache, a corrupted "
    "kernel, "
    "or (rarely) failing hardware.",
    signs=(
        Sign(r"an illegal instruction was encountered"),
        Sign(r"CUDA_ERROR_ILLEGAL_INSTRUCTION"),
        Sign(r"cudaErrorIllegalInstruction"),
        Sign(r"cuda runtime error \((?:73|715)\)"),
        Sign(r"\[715\] Call to \w+ results in"),
        Sign(r"CUDA (?:runtime |driver )?(?:error|failure):?,? \(?(?:code )?715\b"),
        Sign(r"(?:Warp|Lane|Device) Illegal Instruction"),
    ),
    fixes=(
        Fix(
            do="Update PyTorch and the extension that holds the kernel (Triton, flash-attn, xformers) to builds for this GPU, and delete "
            "the caches of "
            "compiled kernels.",
            commands=("rm -rf ~/.nv/ComputeCache ~/.triton/cache",),
        ),
        _LOCATE,
        Fix(do="If unrelated programs fail the same way on one card only, test that card: dcgmi diag -r 3, other driver version."),
    ),
    refines=("cpu-missing-avx",),
    explains=AFTER_FAULT,
    examples=(
        "RuntimeError: CUDA error: an illegal instruction was encountered",
        "CUDA Exception: Warp Illegal Instruction\nThe exception was triggered at PC 0x55550a0",
    ),
    counterexamples=("Illegal instruction (core dumped)",),
)

CAUSES = (ILLEGAL_ACCESS, MISALIGNED, LAUNCH_FAILURE, ILLEGAL_INSTRUCTION)
