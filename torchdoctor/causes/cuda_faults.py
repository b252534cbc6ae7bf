"""Kernels that die on the GPU: illegal or misaligned addresses, bad launches, timeouts."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign

_AFTER = (
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
    ),
    explains=_AFTER,
    decide="CUDA_LAUNCH_BLOCKING=1 python your_script.py",
    examples=(
        '  File "/srv/exp/loop.py", line 71, in step\n    total += loss.item()\nRuntimeError: CUDA error: an illegal memory access was '
        "encountered\n"
        "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.",
        "RuntimeError: cuda runtime error (77) : an illegal memory access was encountered at "
        "/pytorch/aten/src/THC/generic/THCTensorCopy.cpp:20",
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
        Sign(r"Misaligned Address", FAIR),
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
    explains=(*_AFTER, "xid-13-graphics-exception"),
    examples=("RuntimeError: CUDA error: misaligned address\nCUDA kernel errors might be asynchronously reported at some other API call",),
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
    explains=_AFTER,
    decide="sudo dmesg -T | grep -i xid",
    examples=(
        "RuntimeError: CUDA error: unspecified launch failure",
        "THCudaCheck FAIL file=/pytorch/aten/src/THC/THCTensorMath.cu line=12 error=4 : unspecified launch failure",
        "torch.AcceleratorError: CUDA error: unspecified launch failure\nSearch for `cudaErrorLaunchFailure' in the CUDA documentation.",
    ),
    counterexamples=("launch failed: torchrun: command not found",),
)

CONFIGURATION = Cause(
    slug="invalid-configuration",
    title="A CUDA kernel was launched with an invalid grid or block size",
    why="A grid or block dimension was zero or above the limit: 65535 in y and z, 1024 threads a block. A very large batch, resolution "
    "or number "
    "of attention heads does that in some kernels, an empty tensor in others.",
    signs=(
        Sign(r"CUDA error: invalid configuration argument"),
        Sign(r"invalid configuration argument"),
        Sign(r"cudaErrorInvalidConfiguration"),
        Sign(r"cuda runtime error \(9\)"),
        Sign(r"CUDA error \(.{0,200}\): invalid configuration", STRONG),
    ),
    fixes=(
        Fix(
            do="Make the call smaller: split or chunk the batch, lower the resolution or the number of items in one call.",
            code="out = torch.cat([attention(c) for c in x.split(4096)])",
        ),
        Fix(
            do="If it is an attention kernel (xformers, scaled_dot_product_attention), use another backend: the math or flash attention of "
            "PyTorch, or a newer xformers.",
            code="with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):\n    out = model(x)",
        ),
        Fix(do="Skip empty tensors (numel() == 0) before a custom kernel, and update PyTorch or the extension."),
    ),
    explains=_AFTER,
    examples=(
        '  File "/srv/sd/unet.py", line 212, in forward\n    out = xformers.ops.memory_efficient_attention(q, k, v)\n'
        "RuntimeError: CUDA error: invalid configuration argument",
        "RuntimeError: cuda runtime error (9) : invalid configuration argument at /pytorch/aten/src/THC/generic/THCTensorMath.cu:15",
    ),
    counterexamples=("ValueError: invalid configuration file argument --config",),
)

RESOURCES = Cause(
    slug="too-many-resources",
    title="A CUDA kernel asks for more registers or threads than this GPU has",
    why="A block's threads times the registers per thread exceed what one multiprocessor offers. The kernel was built (or tuned) for "
    "another "
    "architecture or without launch bounds.",
    signs=(
        Sign(r"too many resources requested for launch"),
        Sign(r"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"),
        Sign(r"cudaErrorLaunchOutOfResources"),
        Sign(r"cuda runtime error \((?:7|701)\)"),
    ),
    fixes=(
        Fix(
            do="In your own kernel: fewer threads per block, or __launch_bounds__(THREADS) on the kernel so that the compiler limits the "
            "registers "
            "(or nvcc -maxrregcount).",
            code="__global__ void __launch_bounds__(512) kernel(...)",
        ),
        Fix(
            do="In a library's kernel: install a build (newer or older version) made for this GPU, or rebuild the extension for its "
            "architecture."
        ),
        Fix(do="As a workaround use float32 or another implementation of that operation, or a smaller block size where it is an option."),
    ),
    explains=_AFTER,
    examples=("RuntimeError: CUDA error: too many resources requested for launch",),
    counterexamples=("slurmstepd: error: too many resources requested by the job",),
)

TIMEOUT = Cause(
    slug="launch-timeout",
    title="The display watchdog (or a hang) ended a CUDA kernel that ran too long",
    why="On a GPU that also drives a display the operating system kills kernels that run longer than a few seconds (on Windows: TDR).",
    signs=(
        Sign(r"the launch timed out and was terminated"),
        Sign(r"CUDA_ERROR_LAUNCH_TIMEOUT"),
        Sign(r"cudaErrorLaunchTimeout"),
        Sign(r"cuda runtime error \((?:6|702)\)"),
    ),
    fixes=(
        Fix(
            do="On Windows raise the timeout: TdrDelay (and TdrDdiDelay) in the registry, then reboot; or set TdrLevel=0, or TCC mode on "
            "cards that "
            "have it.",
            commands=(r"reg add HKLM\SYSTEM\CurrentControlSet\Control\GraphicsDrivers /v TdrDelay /t REG_DWORD /d 60 /f",),
            risk="restart",
            who="admin",
            when="os!=linux",
        ),
        Fix(do="Run the work on a GPU without a display, or without a graphical session (on Linux stop the X server on that card)."),
        Fix(
            do="Make the kernels shorter: smaller batches or tiles. If it happens on a card without display, update the driver and look "
            "for a hang."
        ),
    ),
    explains=(*_AFTER, "xid-8-channel-timeout"),
    examples=("RuntimeError: CUDA error: the launch timed out and was terminated",),
    counterexamples=("the launch of 4 workers timed out, retrying",),
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
    explains=_AFTER,
    examples=("RuntimeError: CUDA error: an illegal instruction was encountered",),
    counterexamples=("Illegal instruction (core dumped)",),
)

CAUSES = (ILLEGAL_ACCESS, MISALIGNED, LAUNCH_FAILURE, CONFIGURATION, RESOURCES, TIMEOUT, ILLEGAL_INSTRUCTION)
