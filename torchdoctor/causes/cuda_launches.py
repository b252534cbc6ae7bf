"""Kernels that cannot be launched, or that run too long for the display."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.causes.cuda_faults import AFTER_FAULT

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
        Sign(r"Call to cuLaunchKernel results in CUDA_ERROR_INVALID_VALUE", FAIR),  # numba,
        Sign(r"THCudaCheck FAIL .{1,200}error=9\b", FAIR),
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
    explains=AFTER_FAULT,
    examples=(
        '  File "/srv/sd/unet.py", line 212, in forward\n    out = xformers.ops.memory_efficient_attention(q, k, v)\n'
        "RuntimeError: CUDA error: invalid configuration argument",
        "numba.cuda.cudadrv.driver.CudaAPIError: [1] Call to cuLaunchKernel results in CUDA_ERROR_INVALID_VALUE",
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
        Sign(r"\[701\] Call to \w+ results in"),
        Sign(r"too many blocks in cooperative launch"),
        Sign(r"THCudaCheck FAIL .{1,200}error=(?:7|701)\b", FAIR),
        Sign(r"too many resources requested for\b"),
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
    explains=AFTER_FAULT,
    examples=(
        "RuntimeError: CUDA error: too many resources requested for launch",
        "RuntimeError: CUDA error: too many blocks in cooperative launch",
    ),
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
        Sign(r"\[702\] Call to \w+ results in"),
        Sign(r"CUDA (?:runtime |driver )?(?:error|failure):?,? \(?(?:code )?702\b"),
        Sign(r"driver (?:nvlddmkm )?stopped responding and has (?:successfully )?recovered"),
        Sign(r"CUDA (?:driver )?error: device not ready", FAIR),
        Sign(r"THCudaCheck FAIL .{1,200}error=(?:6|702)\b", FAIR),
        Sign(r"cudaSuccess \((?:6|702) vs\. 0\)", FAIR),
        Sign(r"\bthe launch timed out\b"),
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
    explains=(*AFTER_FAULT, "xid-8-channel-timeout"),
    examples=(
        "RuntimeError: CUDA error: the launch timed out and was terminated",
        "Display driver nvlddmkm stopped responding and has successfully recovered.",
        "RuntimeError: CUDA driver error: device not ready",
        "THCudaCheck FAIL file=/x/THC/generic/THCTensorCopy.cpp line=21 error=6 : the",
    ),
    counterexamples=("the launch of 4 workers timed out, retrying",),
)

CAUSES = (CONFIGURATION, RESOURCES, TIMEOUT)
