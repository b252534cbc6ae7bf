"""Apple's MPS backend: tensors left on the CPU, missing operators and missing dtypes."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_SLOW_CONV = (r"aten::_?slow_conv", r"will fall back to run on the CPU")

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
            Sign(r"Placeholder buffer size \(\d+\) is not large enough to contain the Tensor storage", FAIR),
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
            Sign(r"Could not run '(?P<op>[\w:.]+)' with arguments from the '(?:Sparse)?MPS' backend"),
            Sign(r"As a temporary fix, you can set the environment variable .?PYTORCH_ENABLE_MPS_FALLBACK=1", FAIR, unless=_SLOW_CONV),
            Sign(
                r"\b(?P<op>Conv3D|Conv(?:Transpose)? ?3D .{0,20}types are|MaxUnpool\w*|\w{3,30}\(\)) (?:is |are )?not supported (?:on|by) MPS\b"
            ),
            Sign(r"Output channels > 65536 not supported (?:at|on) the MPS device"),
            Sign(r"\bMPS: (?:input sizes must be divisible by output sizes|Unsupported Border padding mode)"),
            Sign(r"Non-divisible input sizes are not implemented on MPS"),
            Sign(r"['\"](?P<op>\w{2,60}_mps)['\"] not implemented for '(?:Half|Float)'"),
            Sign(r"Unsupported (?:Border padding|padding|interpolation) mode.{0,40}\bMPS\b", FAIR),
            Sign(r"Device type MPS is not supported for torch\.Generator"),
            Sign(
                r"not (?:currently |current |yet )?(?:implemented|supported) (?:for|on|at|by|in) (?:the )?MPS (?:device|backend)",
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
            Sign(r"aten::\S{1,60} is not current(?:ly)? implemented", FAIR),
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
            "NotImplementedError: Could not run 'aten::_coalesce' with arguments from the 'SparseMPS' backend.",
            "RuntimeError: Conv3D is not supported on MPS",
            "NotImplementedError: Output channels > 65536 not supported at the MPS device. As a temporary fix, you can set the environment "
            "variable `PYTORCH_ENABLE_MPS_FALLBACK=1` to use the CPU as a fallback for this op. WARNING: this will be slower than running "
            "natively on MPS.",
            "RuntimeError: Adaptive pool MPS: input sizes must be divisible by output sizes. Non-divisible input sizes are not implemented "
            "on MPS device yet.",
            "RuntimeError: \"grid_sampler_3d_mps\" not implemented for 'Half'",
        ),
        counterexamples=(
            "NotImplementedError: The operator 'aten::_slow_conv2d_forward' is not currently implemented for the MPS device.",
            "UserWarning: The operator 'aten::nonzero' is not currently supported on the MPS backend and will fall back to run on the CPU.",
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
            Sign(r"float64.{0,40}(?:not supported|unsupported) (?:on|by|for|in) (?:the )?MPS", FAIR),
            Sign(r"\bdouble\b.{0,40}(?:not supported|unsupported) (?:on|by|for|in) (?:the )?MPS", FAIR),
            Sign(r"MPS (?:device |backend |framework )?(?:does not|doesn't|cannot) (?:support|handle) (?:torch\.)?(?:float64|double|fp64)"),
            Sign(r"Unsupported dtype (?:torch\.)?float64 .{0,20}\bMPS\b", FAIR),
            Sign(r"['\"]\w{2,60}_mps['\"] not implemented for '(?:Double|ComplexDouble)'"),
            Sign(r"Undefined type Double\b", also=(r"mps|macos|/Users/|darwin|Metal",)),
            Sign(r"does not support input type '(?:float64|double)' in MPS backend"),
            Sign(r"Cannot convert a float64 Tensor to MPS"),
        ),
        fixes=(
            Fix(
                "Use float32 instead of float64 (double): cast before moving, x.float().to('mps') (numpy: array.astype(np.float32)).",
                code='x = x.to(torch.float32).to("mps")   # or: x.to("mps", dtype=torch.float32)',
            ),
            Fix("Where a library needs float64, run that part on the CPU."),
        ),
        patch="cast-float",
        examples=(
            "    pos = torch.from_numpy(grid).to(device)\nTypeError: Cannot convert a MPS Tensor to float64 dtype as the MPS framework "
            "doesn't support float64. Please use float32 instead.",
            "TypeError: Trying to convert Double to the MPS backend but it does not have support for that dtype.",
            "TypeError: Operation 'normal_' does not support input type 'float64' in MPS backend.",
            "RuntimeError: \"arange_mps\" not implemented for 'Double'",
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
            Sign(r"Undefined type BFloat16", FAIR),
            Sign(r"Cannot convert a MPS Tensor to BFloat16"),
            Sign(r"Trying to convert BFloat16 to the MPS backend"),
            Sign(r"['\"](?P<op>\w{2,60}_mps\w{0,20})['\"] not implemented for 'BFloat16'"),
            Sign(r"BFloat16 .{0,40}on MPS .{0,20}(?:requires|needs|only) .{0,20}macOS", FAIR),
            Sign(r"bf16.{0,60}(?:not supported|unsupported) (?:on|by|for) (?:the )?(?:MPS|Apple Silicon)", FAIR),
            Sign(r"\bMPS (?:device |backend )?(?:does not|doesn't) support (?:torch\.)?(?:bfloat16|bf16)", FAIR),
            Sign(r"In MPS autocast, but the target dtype is not supported", FAIR, also=(r"bfloat16.{0,400}Error|Error.{0,400}bfloat16",)),
            Sign(r"does not support input type 'bfloat16' in MPS backend"),
        ),
        refines=("op-not-implemented-for-bfloat16", "mps-macos-too-old"),
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
            "RuntimeError: \"arange_mps\" not implemented for 'BFloat16'",
            "TypeError: Trying to convert BFloat16 to the MPS backend but it does not have support for that dtype.",
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
            Sign(r"Undefined type (?P<dtype>Float8_\w+|Complex\w+|UInt\d+)\b", also=(r"mps|macos|/Users/|darwin|Metal",)),
            Sign(r"(?P<dtype>complex\w*|float8\w*|int64|Long|Byte) .{0,30}not supported (?:on|by|for) (?:the )?MPS", FAIR),
            Sign(r"MPS does not support (?:\w+ )?(?P<dtype>\w+64|complex\w*|float8\w*)", FAIR),
            Sign(r"does not have support for that dtype", also=(r"MPS|mps",), unless=(r"convert (?:Double|BFloat16) to the MPS",)),
            Sign(r"Operation '\w+(?:\(\))?' does not support input type '(?P<dtype>(?!float64|double|bfloat16)\w+)' in MPS backend"),
            Sign(r"Unsupported type byte size: (?P<dtype>\w+)", FAIR),
            Sign(r"Undefined type (?P<dtype>Float8_\w+|Complex\w+|UInt\d+)\b", FAIR),
            Sign(r"\w\(\): (?:Yet not supported for (?P<dtype>complex)|Complex types are yet not supported)"),
            Sign(r"Yet not supported for (?P<dtype>complex)"),
            Sign(r"MPS does not support \S{1,40} ops? with (?P<dtype>u?int\d+|bool|complex\w*) input"),
            Sign(r"MPS: (?:no support for|unsupported) (?P<dtype>u?int\d+|complex\w*)", FAIR),
            Sign(r"MPS device does not support \w+ for non-float inputs?"),
            Sign(r"['\"]\w{2,60}_mps\w{0,20}['\"] not implemented for '(?P<dtype>Complex\w+|Long|Int|Bool|Byte|Char|Short|Float8\w+)'"),
            Sign(r"isComplexType\(.{0,160}INTERNAL ASSERT FAILED at .{0,160}[/\\]mps[/\\]"),
            Sign(r"(?P<dtype>complex\w*|float8\w*|fp8).{0,20} (?:on|for) (?:the )?MPS (?:is|are) not (?:supported|implemented)", FAIR),
            Sign(r"not implemented for '(?P<dtype>Complex\w+|Float8\w+)' (?:on|in|for) (?:the )?MPS", FAIR),
            Sign(r"Unsupported (?:data type|dtype):? \W?(?:torch\.)?(?P<dtype>complex\w+|float8\w+)\W{0,2}.{0,20}\bMPS\b", FAIR),
        ),
        refines=("mps-assertion-crash", "half-not-implemented-on-cpu"),
        fixes=(
            Fix(
                "Use a dtype that MPS has: float16 or float32 weights instead of fp8, real and imaginary parts instead of complex "
                "numbers (torch.view_as_real, torch.complex(re, im) only on the CPU), float or int32 where int64 or bool is refused (x.float()).",
            ),
            Fix(
                "Or run that operation on the CPU and move the result back: op(x.cpu()).to('mps') (or device='cpu' for the whole model); "
                "PYTORCH_ENABLE_MPS_FALLBACK=1 helps only where the whole operator is missing."
            ),
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
            "RuntimeError: scatter(): Yet not supported for complex",
            "RuntimeError: MPS does not support cumsum op with int64 input",
            "RuntimeError: MPS device does not support mm for non-float inputs",
            "RuntimeError: \"cross_mps\" not implemented for 'ComplexFloat'",
            "RuntimeError: c10::isComplexType(input.scalar_type()) && c10::isComplexType(other.scalar_type()) INTERNAL ASSERT FAILED at "
            '"/Users/runner/work/pytorch/aten/src/ATen/native/mps/operations/BinaryKernel.mm":340, please report a bug to PyTorch.',
        ),
        counterexamples=("TypeError: Trying to convert Double to the MPS backend but it does not have support for that dtype.",),
    ),
)
