"""Apple's MPS backend: missing operators and dtypes, its memory limit, and Metal assertions."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_METAL = r"(?:MPSCore|MPSNDArray|MPSKernel|MetalPerformanceShaders|MTL\w+|MPSGraph\w*|\(mpsFileLoc\)|LLVM ERROR)"

CAUSES = (
    Cause(
        slug="mps-placeholder-storage",
        title="An operation on the MPS device got a tensor that is still on the CPU",
        why="The model is on mps and a tensor of the call (or part of the model) is not. Older torch versions report that as "
        "placeholder storage that was not allocated.",
        signs=(
            Sign(r"Placeholder storage has not been allocated on MPS device"),
            Sign(r"Placeholder storage has not been allocated", FAIR),
            Sign(r"Passed CPU tensor to MPS op"),
        ),
        fixes=(
            Fix(
                "Move the inputs to the device of the model and assign the result: x = x.to('mps') (x.to(model.device)); the model "
                "itself with model.to('mps'), and tensors created on the way with device='mps'.",
                code='model = model.to("mps")\nx = x.to("mps")',
            ),
            Fix("Or run both on the CPU: model.to('cpu') and x.cpu(), for instance for evaluation and plots."),
        ),
        refines=("device-mismatch",),
        patch="move-input",
        examples=(
            "    return torch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)\n"
            "RuntimeError: Placeholder storage has not been allocated on MPS device!",
        ),
        counterexamples=("RuntimeError: MPS backend out of memory",),
    ),
    Cause(
        slug="mps-op-not-implemented",
        title="The operator {op|in the message} does not exist for the MPS device",
        why="Apple's GPU backend implements most, but not all operators. Such an operator can run on the CPU instead if torch is told "
        "so before it is imported.",
        signs=(
            Sign(r"The operator '(?P<op>[\w:.]+)' is not curr\w+ implemented for the MPS device"),
            Sign(r"Could not run '(?P<op>[\w:.]+)' with arguments from the 'MPS' backend"),
            Sign(
                r"not (?:currently|current|yet) (?:implemented|supported) (?:for|on) (?:the )?MPS (?:device|backend)",
                FAIR,
                unless=(r"dtype|BFloat16|float64|complex", r"will fall back to run on the CPU"),
                near=80,
            ),
            Sign(r"(?P<op>\w+) (?:is )?not (?:implemented|supported) for MPS\b", FAIR),
            Sign(
                r"NotImplementedError: .{1,20}'(?P<op>(?:aten|torchvision)::[\w.]+)'.{1,40}\bMPS\b",
                FAIR,
                unless=(r"aten::_?slow_conv", r"the '(?:CUDA|CPU)' backend"),
            ),
        ),
        fixes=(
            Fix(
                "Let missing operators fall back to the CPU: set PYTORCH_ENABLE_MPS_FALLBACK=1 in the shell before Python starts (set "
                "inside the program after import torch it has no effect).",
                commands=("export PYTORCH_ENABLE_MPS_FALLBACK=1",),
            ),
            Fix(
                "Upgrade torch (and torchvision): every version implements more operators; the nightly build may have it.",
                commands=("pip install -U torch torchvision",),
            ),
            Fix("Or run that operation on the CPU in the code: y = op(x.cpu()).to(x.device), or the whole model with device='cpu'."),
        ),
        examples=(
            "NotImplementedError: The operator 'aten::_linalg_eigh.eigenvalues' is not currently implemented for the MPS device. If "
            "you want this op to be added in priority, comment on the tracker.",
            "NotImplementedError: Could not run 'aten::_sparse_coo_tensor_with_dims' with arguments from the 'MPS' backend.",
        ),
        counterexamples=(
            "NotImplementedError: The operator 'aten::_slow_conv2d_forward' is not currently implemented for the MPS device.",
        ),
    ),
    Cause(
        slug="mps-float64",
        title="A float64 tensor was moved to MPS, which has no float64",
        why="Apple's GPUs compute in float32 at most. The double comes mostly from numpy, from a Python float that became a tensor, or "
        "from a library that asks for float64.",
        signs=(
            Sign(r"Cannot convert a MPS Tensor to float64"),
            Sign(r"MPS framework doesn't support float64"),
            Sign(r"Trying to convert Double to the MPS backend"),
            Sign(r"float64.{0,40}(?:not supported|unsupported) (?:on|by|for) (?:the )?MPS", FAIR),
        ),
        fixes=(
            Fix(
                "Cast to float32 before moving: x.float().to('mps') (numpy: array.astype(np.float32)).",
                code='x = x.to(torch.float32).to("mps")   # or: x.to("mps", dtype=torch.float32)',
            ),
            Fix("Where a library needs float64, run that part on the CPU."),
        ),
        patch="cast-float",
        examples=(
            "    pos = torch.from_numpy(grid).to(device)\nTypeError: Cannot convert a MPS Tensor to float64 dtype as the MPS framework "
            "doesn't support float64. Please use float32 instead.",
        ),
        counterexamples=("TypeError: BFloat16 is not supported on MPS",),
    ),
    Cause(
        slug="mps-bf16",
        title="bfloat16 was used on MPS, which this macOS or torch does not support there",
        why="bfloat16 on the MPS device needs macOS 14 and torch 2.3 or newer (and not every operator has it); older systems refuse "
        "it. PYTORCH_ENABLE_MPS_FALLBACK does not change dtypes.",
        signs=(
            Sign(r"BFloat16 is not supported on MPS"),
            Sign(r"MPS BFloat16 (?:is )?only supported on MacOS ?14"),
            Sign(r"bfloat16 .{0,40}(?:not supported|unsupported) (?:on|by|for) (?:the )?MPS", FAIR),
            Sign(r"Undefined type BFloat16", also=(r"mps|macos|/Users/|darwin",)),
            Sign(r"Cannot convert a MPS Tensor to BFloat16"),
            Sign(r"Trying to convert BFloat16 to the MPS backend"),
        ),
        fixes=(
            Fix(
                "Use float16 or float32 on MPS: torch_dtype=torch.float16 (or torch.float32 where float16 gives NaN) in "
                "from_pretrained, model.to(torch.float16).",
                code="model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.float16).to('mps')",
            ),
            Fix("Or upgrade to macOS 14 or newer and a newer torch.", commands=("pip install -U torch",)),
        ),
        examples=(
            "    return t.to(device, dtype)\nTypeError: BFloat16 is not supported on MPS",
            "RuntimeError: MPS BFloat16 is only supported on MacOS 14 or newer",
        ),
        counterexamples=("ValueError: Your setup doesn't support bf16/gpu.",),
    ),
    Cause(
        slug="mps-dtype-unsupported",
        title="A dtype that MPS lacks ({dtype|complex, fp8, int64 in some operators}) was used there",
        why="The MPS backend implements fewer number formats than CUDA: no fp8, complex only in newer torch and macOS versions, and "
        "some integer operators are missing.",
        signs=(
            Sign(
                r"Trying to convert (?P<dtype>(?:ComplexFloat|ComplexDouble|ComplexHalf|Float8_\w+|QUInt8|QInt8|UInt16|UInt32|UInt64)) "
                r"to the MPS backend"
            ),
            Sign(r"Undefined type (?P<dtype>Float8_\w+|Complex\w+|Double|UInt\d+)\b", also=(r"mps|macos|/Users/|darwin|Metal",)),
            Sign(r"(?P<dtype>complex\w*|float8\w*|int64|Long|Byte) .{0,30}not supported (?:on|by|for) (?:the )?MPS", FAIR),
            Sign(r"MPS does not support (?:\w+ )?(?P<dtype>\w+64|complex\w*|float8\w*)", FAIR),
            Sign(r"does not have support for that dtype", also=(r"MPS|mps",), unless=(r"convert (?:Double|BFloat16) to the MPS",)),
            Sign(r"Operation '\w+(?:\(\))?' does not support input type '(?P<dtype>\w+)' in MPS backend"),
            Sign(r"Unsupported type byte size: (?P<dtype>\w+)", FAIR),
        ),
        fixes=(
            Fix(
                "Use a dtype that MPS has: float16 or float32 weights instead of fp8, real and imaginary parts instead of complex "
                "numbers, int32 where int64 is refused.",
            ),
            Fix("Or run that operation on the CPU and move the result back: op(x.cpu()).to('mps') (or device='cpu' for the whole model)."),
            Fix(
                "Or upgrade torch and macOS: newer versions support more dtypes (complex since torch 2.1 on macOS 14).",
                commands=("pip install -U torch",),
            ),
        ),
        examples=(
            "    x = x.to('mps')\nTypeError: Trying to convert ComplexFloat to the MPS backend but it does not have support for that "
            "dtype.",
            "TypeError: Trying to convert Float8_e4m3fn to the MPS backend but it does not have support for that dtype.",
            "TypeError: Operation 'sign_out_mps()' does not support input type 'int64' in MPS backend.",
        ),
        counterexamples=("TypeError: Trying to convert Double to the MPS backend but it does not have support for that dtype.",),
    ),
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
            Sign(r"Insufficient Memory \(00000008", FAIR),
            Sign(r"Error: .{1,300}PYTORCH_MPS_HIGH_WATERMARK_RATIO=0\.0", FAIR),
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
        counterexamples=("torch.cuda.OutOfMemoryError: CUDA out of memory.",),
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
        ),
        fixes=(
            Fix(
                "Make the tensor smaller: smaller batch, lower resolution or shorter sequence, attention slicing "
                "(pipe.enable_attention_slicing()), or split the operation into chunks.",
            ),
            Fix(
                "Run that operation on the CPU (op(x.cpu()).to('mps') or device='cpu'), or upgrade macOS and torch: newer versions "
                "allow larger arrays."
            ),
        ),
        refines=("mps-assertion-crash", "mps-out-of-memory"),
        explains=("resource-tracker-leak",),
        examples=(
            "/AppleInternal/Library/BuildRoots/x/Library/Caches/com.apple.xbs/Sources/MPSCore/MPSNDArray.mm:705: "
            "failed assertion "
            "`[MPSTemporaryNDArray initWithDevice:descriptor:] Error: product of dimension sizes > 2**31'",
            "RuntimeError: Invalid buffer size: 20.25 GB",
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
            Sign(r"error: '?mps\.\w+'? op .{0,80}(?:requires|operand|must|invalid)"),
            Sign(r"\(mpsFileLoc\): .{0,120}error: "),
            Sign(r"input types 'tensor<[^']{1,60}' and 'tensor<[^']{1,60}' are not broadcast compatible"),
            Sign(r"Sources/MetalPerformanceShaders/", FAIR, also=(r"assertion|Abort trap|abort",)),
            Sign(r"INTERNAL ASSERT FAILED at .{0,160}[/\\]mps[/\\]MPS\w+\.mm", FAIR),
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
