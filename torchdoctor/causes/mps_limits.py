"""Apple's MPS backend: its memory limit, the size limit of one tensor, and Metal assertions."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_METAL = r"(?:MPSCore|MPSNDArray|MPSKernel|MetalPerformanceShaders|MTL\w+|MPSGraph\w*|\(mpsFileLoc\)|LLVM ERROR)"

CAUSES = (
    Cause(
        slug="mps-out-of-memory",
        title="The Mac's GPU memory limit is reached ({allocated|the allocations shown} of {max|the allowed memory})",
        why="MPS shares the memory of the machine and torch stops at a limit of it. Setting PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 only "
        "removes the limit: the machine may then swap heavily or freeze.",
        signs=(
            Sign(
                r"MPS backend out of memory(?: \(MPS allocated: (?P<allocated>[\d.]+ [KMG]i?B).{0,80}?max allowed: (?P<max>[\d.]+ "
                r"[KMG]i?B)\))?"
            ),
            Sign(r"Use PYTORCH_MPS_HIGH_WATERMARK_RATIO=0\.0 to disable upper limit", FAIR),
            Sign(r"kIOGPUCommandBufferCallbackErrorOutOfMemory"),
            Sign(r"Command buffer execution failed: Insufficient Memory"),
            Sign(r"Tried to allocate .{1,20} on (?:private|shared) pool"),
            Sign(r"\[metal::malloc\] (?:Attempting|Unable) to allocate", FAIR),
            Sign(r"ggml_metal\w*: error: failed to allocate buffer"),
            Sign(r"failed to allocate buffer.{0,60}\bMetal\b", FAIR),
            Sign(r"Insufficient Memory \(00000008", FAIR),
            Sign(r"Error: .{1,300}PYTORCH_MPS_HIGH_WATERMARK_RATIO=0\.0", FAIR),
            Sign(r"\d [KMG]i?B on (?:private|shared) pool", FAIR),
            Sign(r"other allocations: [\d.]+ [KMG]i?B, max allowed"),
            Sign(r"\(MPS allocated: [\d.]+ [KMG]"),
        ),
        fixes=(
            Fix(
                "Use less memory: a smaller batch (with gradient accumulation), shorter sequences or smaller images, a smaller model, "
                "float16 weights, gradient checkpointing; close other programs, restart the notebook kernel.",
                code="torch.mps.empty_cache()   # after del of large tensors",
            ),
            Fix(
                "Only with care: raise the limit by PYTORCH_MPS_HIGH_WATERMARK_RATIO, exported before Python starts (after import "
                "torch it has no effect).",
                commands=("export PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0",),
                risk="disruptive",
            ),
        ),
        wrong_advice="PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 makes no memory: it lets the process take what the system needs and may "
        "freeze the Mac.",
        examples=(
            "RuntimeError: MPS backend out of memory (MPS allocated: 8.20 GB, other allocations: 1.11 GB, max allowed: 9.07 GB). Tried "
            "to allocate 512.00 MB on private pool.",
            "Error: command buffer exited with error status. The Metal Performance Shaders operations encoded on it may not have "
            "completed. Error: Insufficient Memory "
            "(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
        ),
        counterexamples=(
            "torch.cuda.OutOfMemoryError: CUDA out of memory.",
            "ggml_metal_init: recommendedMaxWorkingSetSize = 11453.25 MB",
        ),
    ),
    Cause(
        slug="mps-tensor-too-large",
        title="A single tensor is larger than Metal allows",
        why="Metal limits one buffer and one MPSNDArray (on older macOS to 4 GiB or 2**32 bytes); attention over long sequences or big "
        "images and large batches build such a tensor, and the process aborts.",
        signs=(
            Sign(r"total bytes of NDArray > 2\*\*32"),
            Sign(r"product of dimension sizes > 2\*\*31"),
            Sign(r"Invalid buffer size: (?P<size>[\d.]+ [GMT]i?B)"),
            Sign(r"NDArray dimension length > INT_MAX"),
            Sign(r"does not support tensor dims larger than INT_MAX"),
            Sign(r"is larger than currently supported by the MPS backend"),
            Sign(r"Tiling of batch matmul for larger than 2\*\*32 entries"),
            Sign(r"(?:MPS|Metal).{0,60}(?:larger|bigger|more|greater) than (?:4 ?Gi?B|2\*\*32|INT_MAX)", FAIR),
            Sign(r"(?:larger|bigger|more|greater) than (?:4 ?Gi?B|2\*\*32|INT_MAX).{0,60}\b(?:MPS|Metal)\b", FAIR),
            Sign(r"newBufferWith\S{0,3}:? ?length \w+ must not exceed \d+"),
            Sign(r"MTLBuffer length exceeds maximum"),
            Sign(r"greater than the maximum allowed buffer size"),
            Sign(r"ggml_metal\w*: (?:buffer|tensor) .{1,60}(?:size|is) .{0,20}larger than (?:the )?buffer maximum"),
            Sign(r"exceeds the limit supported by the MPS backend"),
            Sign(r"must be less than 2\*\*32 elements", FAIR),
            Sign(r"tensor dims larger than INT_MAX"),
            Sign(r"matrix multiplication is larger than currently supported"),
            Sign(r"of NDArray > 2\*\*32"),
            Sign(r"dimension sizes > 2\*\*31"),
            Sign(r"Error: total bytes of\b", FAIR),
            Sign(r"NDArray dimension length"),
        ),
        fixes=(
            Fix(
                "Make the tensor smaller: smaller batch, lower resolution, fewer frames or shorter sequence (tiling), attention slicing "
                "(pipe.enable_attention_slicing()), or split the operation into chunks.",
            ),
            Fix(
                "Run that operation on the CPU (op(x.cpu()).to('mps') or device='cpu'), or upgrade macOS and torch: newer versions "
                "allow larger arrays."
            ),
        ),
        refines=("mps-assertion-crash", "mps-out-of-memory", "mps-macos-too-old"),
        explains=("resource-tracker-leak",),
        examples=(
            "/AppleInternal/Library/BuildRoots/x/Library/Caches/com.apple.xbs/Sources/MPSCore/MPSNDArray.mm:705: "
            "failed assertion "
            "`[MPSTemporaryNDArray initWithDevice:descriptor:] Error: product of dimension sizes > 2**31'",
            "RuntimeError: Invalid buffer size: 20.25 GB",
            "RuntimeError: MPSGraph does not support tensor dims larger than INT_MAX",
            "RuntimeError: Output size of the matrix multiplication is larger than currently supported by the MPS backend: 72250,72250, "
            "needs to be less than 2**32 elements",
            "RuntimeError: Tiling of batch matmul for larger than 2**32 entries only available from MacOS15 onwards",
            "RuntimeError: [metal::malloc] Attempting to allocate 9663676416 bytes which is greater than the maximum allowed buffer size "
            "of 8589934592 bytes.",
            "RuntimeError: Tensor size for `masked_fill` exceeds the limit supported by the MPS backend: must be less than 2**32 elements",
        ),
        counterexamples=("ValueError: array is too big; product of dimension sizes is larger than the maximum possible size",),
    ),
    Cause(
        slug="mps-assertion-crash",
        title="A Metal assertion aborted the process",
        why="The MPS backend gave Metal an operation or shape that it does not accept, and Metal ends the process instead of raising "
        "an exception. It is a fault of this torch and macOS version for that operator.",
        signs=(
            Sign(rf"{_METAL}.{{0,300}}failed assertion"),
            Sign(r"failed assertion.{0,20}\[(?:MPS|MTL|AGX)\w*"),
            Sign(r"-\[(?:IOGPU|AGX|_?MTL|MPS)\w*.{1,160}failed assertion"),
            Sign(r"failed assertion .{1,120}(?:MPSNDArray|MPSGraph|command buffer|command encoder)"),
            Sign(r"LLVM ERROR: Failed to infer result type"),
            Sign(r"error: '?mps\.\w+'? op .{0,80}(?:requires|operand|must|invalid|failed|differ)"),
            Sign(r"Error: MLIR pass manager failed"),
            Sign(r"Assertion failed: .{1,200}, file \w{1,40}\.mm, line \d+"),
            Sign(r"Destination NDArray and Accumulator NDArray cannot have different datatype"),
            Sign(r"Failed to create metal library"),
            Sign(r"Unable to reach MTLCompilerService"),
            Sign(r"MTLLibraryErrorDomain"),
            Sign(r"kIOGPUCommandBufferCallbackError(?:Innocent\w+|Hang|Timeout|PageFault|SubmissionsIgnored|Impacting\w+)"),
            Sign(r"command buffer exited with error status", FAIR, unless=(r"Insufficient Memory|ErrorOutOfMemory",)),
            Sign(r"Command buffer execution failed: (?!Insufficient)", FAIR),
            Sign(r"INTERNAL ASSERT FAILED at .{0,160}[/\\]mps[/\\]operations[/\\]\w+\.mm", FAIR),
            Sign(r"\(mpsFileLoc\): .{0,120}error: "),
            Sign(r"input types 'tensor<[^']{1,60}' and 'tensor<[^']{1,60}' are not broadcast compatible"),
            Sign(r"Sources/MetalPerformanceShaders/", FAIR, also=(r"assertion|Abort trap|abort",)),
            Sign(r"INTERNAL ASSERT FAILED at .{0,160}[/\\]mps[/\\]MPS\w+\.mm", FAIR),
            Sign(r"buffer is not large enough\. Must be \d+ bytes", FAIR),
            Sign(r"have broadcast-compatible shapes", FAIR, also=(r"\bmps\b",)),
            Sign(r"not within number of dimensions \(\d+\)", FAIR),
            Sign(r"This class only supports axis = 0", FAIR),
        ),
        fixes=(
            Fix("Upgrade torch and macOS to the newest versions, where many of these are mended.", commands=("pip install -U torch",)),
            Fix(
                "Run the operator that crashes on the CPU (op(x.cpu()).to('mps')), or the whole program with device='cpu'; "
                "PYTORCH_ENABLE_MPS_FALLBACK=1 does not catch an abort."
            ),
            Fix("Try another shape or dtype for that operation: float32 instead of float16, contiguous tensors, another batch size."),
        ),
        explains=("resource-tracker-leak",),
        examples=(
            "/AppleInternal/Library/BuildRoots/y/Sources/MetalPerformanceShaders/MPSCore/Types/MPSNDArray.mm:788: failed assertion "
            "`[MPSNDArray, initWithBuffer:descriptor:] Error: buffer is not large enough. Must be 4096 bytes'\n"
            "zsh: abort      python fit.py",
            'loc("mps_add"("(mpsFileLoc): /AppleInternal/Library/x.mm":228:0)): error: input types \'tensor<1x77x1xf32>\' and '
            "'tensor<1x1xf16>' are not broadcast compatible\n"
            "LLVM ERROR: Failed to infer result type(s).",
            "RuntimeError: Failed to create metal library, error: Error Domain=MTLLibraryErrorDomain Code=3",
            "Error: command buffer exited with error status.\n\tThe Metal Performance Shaders operations encoded on it may not have "
            "completed.\n\tError:\n\t(null)\n\tCaused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)",
            "failed assertion `Error: MLIR pass manager failed'",
            "Error: buffer is not large enough. Must be 8192 bytes'\nzsh: abort      python step.py",
            "failed assertion `(null) Axis = 4. This class only supports axis = 0, 1, 2, 3'",
        ),
        counterexamples=("AssertionError: failed assertion in the user's own check",),
    ),
    Cause(
        slug="resource-tracker-leak",
        title="Python's resource tracker reports semaphores that an aborted process left",
        why="The warning is printed after a process was aborted or killed while it used multiprocessing. It harms nothing: the reason "
        "of the abort is in an earlier line or in the system log.",
        signs=(
            Sign(
                r"resource_tracker: There appear to be \d+ leaked \w+ objects? to clean up at shutdown",
                # an orderly end: nothing was aborted
                unless=(r"shutdown complete", r"Finished server process"),
            ),
            Sign(r"leaked \w+ objects? to clean up at shutdown", FAIR, unless=(r"shutdown complete", r"Finished server process")),
        ),
        fixes=(
            Fix(
                "Ignore this warning and look at the lines before it (abort, killed, segmentation fault, out of memory): there is the "
                "cause."
            ),
        ),
        consequence=True,
        examples=(
            "/opt/homebrew/lib/python3.10/multiprocessing/resource_tracker.py:224: UserWarning: resource_tracker: There appear to be 1 "
            "leaked semaphore objects to clean up at shutdown",
        ),
        counterexamples=("resource_tracker started",),
    ),
)
