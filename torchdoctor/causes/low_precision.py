"""Half, bfloat16 and fp8 formats that the device, the torch version or the training loop does not support."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="half-not-implemented-on-cpu",
        title="A float16 (Half) operation was asked of the CPU ({op|an operator}), which this torch version cannot do",
        why="The model is in float16 but runs on the CPU (the GPU was not found, or .to('cuda') or .to('mps') is missing). Many CPU "
        "operators had no float16 version in torch before 2.2 or so.",
        signs=(
            Sign(r"[\"'](?P<op>(?!\w*(?:cuda|mps))\w+)[\"'] not implemented for [\"']?(?:Half|ComplexHalf)\b"),
            Sign(r"addmm_impl_cpu_\W.{1,60}Half(?![a-z])"),
            Sign(r"not implemented for [\"']Half\b", FAIR, unless=(r"\w*cuda\w*[\"'] not implemented for",), near=60),
            Sign(r"Pipelines loaded with `?(?:torch_)?dtype=torch\.float16`? cannot run with `?cpu`? device", FAIR),
            Sign(r"Half is not supported on (?:the )?CPU"),
            Sign(r"not supported on CPUType for Half\b"),
            Sign(r"is not implemented for type torch\.HalfTensor"),
            Sign(r"MKL FFT doesn't support tensors of type: Half"),
            Sign(
                r"(?:half precision|fp16|float16)\W.{0,30}(?:not supported|unsupported) on (?:the )?CPU",
                FAIR,
                unless=(r"using FP32 instead",),
            ),
            Sign(r"do not support efficient float16 computation"),
        ),
        fixes=(
            Fix(
                "On the CPU use float32 (or bfloat16): leave out .half() and torch_dtype=torch.float16, or call model.float() (for "
                "many programs a switch such as --no-half or --precision full).",
                code="model = model.float()   # or from_pretrained(name, torch_dtype=torch.float32)",
            ),
            Fix("Or run it on the GPU: move the model and the inputs, model.to('cuda'), or 'mps' on Apple Silicon.", when="os!=macos"),
            Fix("Or run it on the GPU of the Mac: model.to('mps') and inputs.to('mps'); float16 works there.", when="os=macos"),
            Fix(
                "Or upgrade torch: newer versions implement most float16 operators on the CPU, though slowly.",
                commands=("pip install -U torch",),
            ),
            Fix("In faster-whisper and other CTranslate2 programs: compute_type='int8' or 'float32' on the CPU."),
        ),
        examples=(
            "    return F.linear(input, self.weight, self.bias)\nRuntimeError: \"addmm_impl_cpu_\" not implemented for 'Half'",
            "RuntimeError: \"LayerNormKernelImpl\" not implemented for 'Half'",
            "RuntimeError: \"slow_conv2d_cpu\" not implemented for 'Half'",
            "RuntimeError: _thnn_conv2d_forward not supported on CPUType for Half",
            "ValueError: Requested float16 compute type, but the target device or backend do not support efficient float16 computation.",
        ),
        counterexamples=(
            "RuntimeError: \"erfinv_vml_cuda\" not implemented for 'Half'",
            "the name Half Moon was not implemented",
            "UserWarning: FP16 is not supported on CPU; using FP32 instead",
        ),
    ),
    Cause(
        slug="op-not-implemented-for-bfloat16",
        title="The operator {op|in the message} has no bfloat16 version in this torch",
        why="The operator was called with bfloat16 tensors, and the kernel for that dtype is missing in the installed torch version.",
        signs=(Sign(r"[\"'](?P<op>\w+)[\"'] not implemented for [\"']?BFloat16\b"),),
        fixes=(
            Fix("Upgrade torch: newer versions fill these gaps (triu_tril on CUDA came with 2.1).", commands=("pip install -U torch",)),
            Fix(
                "Or do that operation in float32 and cast back, or load the model in float16 or float32 instead of bfloat16.",
                code="y = op(x.float()).to(x.dtype)",
            ),
        ),
        examples=("RuntimeError: \"triu_tril_cuda_template\" not implemented for 'BFloat16'",),
        counterexamples=("RuntimeError: \"addmm_impl_cpu_\" not implemented for 'Half'",),
    ),
    Cause(
        slug="fp16-params-with-grad-scaler",
        title="The gradient scaler found half-precision gradients because the trained weights themselves are in half precision",
        why="GradScaler unscales gradients in place and refuses float16 ones. Mixed precision means float32 weights with float16 "
        "compute; a model loaded with torch_dtype=float16 (or .half()) breaks that.",
        signs=(
            Sign(r"Attempting to unscale FP16 gradients"),
            Sign(r"_unscale_grads_\b.{0,400}FP16 gradients", FAIR),
            ends_in("amp/grad_scaler.py", "_unscale_grads_"),
            Sign(r"_amp_foreach_non_finite_check_and_unscale_\w{0,12}[\"']? not implemented for [\"']?BFloat16"),
        ),
        fixes=(
            Fix(
                "Keep the trainable weights in float32: load without torch_dtype=torch.float16 and without .half(), and let fp16=True "
                "/ autocast do the half precision. "
                "For LoRA upcast the trainable parameters to fp32.",
                code="for p in model.parameters():\n    if p.requires_grad:\n        p.data = p.data.float()",
            ),
            Fix("Or train in bf16 (bf16=True, torch_dtype=torch.bfloat16) on a GPU that has it (Ampere and newer): no scaler is needed."),
            Fix("Where the weights are bfloat16 already: no GradScaler (bf16=True and fp16=False), since bf16 needs none."),
        ),
        refines=("op-not-implemented-for-bfloat16",),
        examples=(
            '  File "/opt/venv/lib/python3.10/site-packages/torch/cuda/amp/grad_scaler.py", line 212, in _unscale_grads_\n'
            "ValueError: Attempting to unscale FP16 gradients.",
            "RuntimeError: \"_amp_foreach_non_finite_check_and_unscale_cuda\" not implemented for 'BFloat16'",
        ),
        counterexamples=("AssertionError: No inf checks were recorded for this optimizer.",),
    ),
    Cause(
        slug="bf16-unsupported-gpu",
        title="bfloat16 (or tf32) was asked for, but this GPU or torch does not have it",
        why="bf16 and tf32 need an NVIDIA GPU of compute capability 8.0 (Ampere) or newer and a torch that can use it; a V100, T4, "
        "P100 or RTX 20xx has float16 only. "
        "The same message comes where torch sees no GPU at all.",
        signs=(
            Sign(r"Your setup doesn't support bf16/(?:gpu|\(cpu)"),
            Sign(
                r"Bfloat16 is only supported on GPUs with compute capability of at least 8\.0.{0,20}Your (?P<gpu>.{1,50}?) GPU has "
                r"compute capability (?P<capability>\d\.\d)"
            ),
            Sign(r"Bfloat16 is only supported on GPUs with compute capability"),
            Sign(r"(?:Current CUDA Device|This GPU|Your GPU|device) does(?: not|n't) support (?:bfloat16|bf16)"),
            Sign(r"--tf32 requires Ampere or a newer GPU"),
            Sign(r"bf16 mixed precision requires PyTorch >= 1\.10 and a supported device"),
            Sign(r"bf16 is not supported on (?:this|your|the current) (?:GPU|device|hardware)"),
            Sign(r"Feature '(?:cvt\.)?\.?bf16[^']{0,20}' requires \.target sm_[89]\d"),
            Sign(r"'cvt with \.(?:f32\.)?bf16' requires \.target sm_[89]\d"),
            Sign(r"(?:model|type).{0,20}bf16 is not supported\b", FAIR),
            ends_in("vllm/worker/worker.py", "_check_if_gpu_supports_dtype"),
            Sign(r"(?:bf16|bfloat16) is not supported on (?:this|your|the current) (?:machine|GPU|device|hardware)"),
            Sign(r"(?:bf16|bfloat16).{0,60}(?:current|your|this) (?:device|GPU|machine|hardware) does(?:n't| not) support"),
            Sign(r"(?:bf16|bfloat16)\b.{0,60}compute capability (?:less than|of at least|below|>=?|lower than) ?8"),
            Sign(r"(?:bf16|bfloat16) requires? (?:an? )?(?:sm_?80|Ampere|compute capability)", FAIR),
        ),
        fixes=(
            Fix(
                "Use float16 instead: bf16=False and fp16=True in the training arguments (--bf16 False --fp16 True), no tf32; "
                "torch_dtype=torch.float16, in vLLM --dtype half.",
                code="args = TrainingArguments(..., bf16=False, fp16=True, tf32=False)",
            ),
            Fix("Or use a GPU that has bf16 (A10, A100, L4, RTX 30xx or newer), or float32 (neither bf16 nor fp16)."),
            Fix(
                "Check that torch sees the GPU at all: with a CPU-only build or no driver the same message appears.",
                commands=(
                    'python -c "import torch; print(torch.version.cuda, torch.cuda.is_available(), torch.cuda.is_bf16_supported())"',
                ),
            ),
        ),
        examples=(
            "ValueError: Your setup doesn't support bf16/gpu. You need torch>=1.10, using Ampere GPU with cuda>=11.0",
            "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU has compute "
            "capability 7.5. You can use float16 instead",
            "ValueError: --tf32 requires Ampere or a newer GPU arch, cuda>=11 and torch>=1.7",
            "RuntimeError: bfloat16 is not supported on devices with compute capability less than 8.0",
            "AssertionError: BFloat16 is not supported on this machine",
        ),
        counterexamples=("TypeError: BFloat16 is not supported on MPS",),
    ),
    Cause(
        slug="fp8-needs-newer-gpu",
        title="FP8 weights or compute were asked of a GPU without FP8 units",
        why="FP8 matrix products need compute capability 8.9 (Ada, L4, RTX 40xx) or 9.0 (Hopper, H100) and newer; Ampere and older "
        "cards (A100, A10, RTX 30xx, T4) do not have them.",
        signs=(
            Sign(r"quantization method \w*fp8\w* is not supported for the current GPU"),
            Sign(r"(?:_scaled_mm|scaled_mm).{0,60}only supported (?:on|for) (?:CUDA )?devices with compute capability"),
            Sign(r"fp8e4nv (?:data type|dtype)? ?(?:is )?not supported (?:on CUDA arch|in this architecture)"),
            Sign(r"Float8 dtypes are only supported on GPUs"),
            Sign(r"type fp8e4nv not supported in this architecture"),
            Sign(r"FP8 quantized models is only supported on GPUs with compute capability >= 8\.9"),
            Sign(r"compute capability 8\.9 or higher required for FP8"),
            Sign(r"compute capability.{0,20}(?:8\.9|9\.0|89|90)", FAIR, also=(r"FP8.{0,40}(?:requires?|needs?|only supported)",), near=100),
            Sign(r"fp8.{0,30}not supported.{0,30}(?:compute capability|sm_?[678]\d|Ampere)", FAIR),
            Sign(
                r"FP8.{0,20}not supported (?:on|by) (?:this|your|the) (?:current )?(?:device|GPU|hardware|machine)",
                FAIR,
            ),
            Sign(r"(?:device|GPU|hardware) does(?:n't| not) support FP8", FAIR),
            Sign(r"Float8.{0,60}(?:requires?|needs?|supported on).{0,20}(?:SM ?_?(?:89|90)|H100|compute capability)"),
            Sign(r"rowwise scaling.{0,60}(?:sm_?90|compute capability)", FAIR),
            Sign(r"Unsupported conversion from .{1,24} to f8E"),
            Sign(r"(?:fp8e4nv|f8e4m3nv|f8e4m3fn|float8_e4m3fn).{0,40}(?:only |not )supported", FAIR, unless=(r"\bmps\b",)),
            Sign(r"SM ?89 kernel is not available", FAIR),
        ),
        fixes=(
            Fix(
                "Run the BF16 or FP16 weights of the model (without --quantization fp8 / kv-cache fp8), or an INT4 or INT8 version "
                "(AWQ, GPTQ, bitsandbytes), which Ampere can run.",
            ),
            Fix(
                "Or use a GPU with FP8: Ada (L4, L40S, RTX 40xx), Hopper (H100, H200) or newer. A newer vLLM can also run FP8 weights "
                "on Ampere as weight-only (Marlin)."
            ),
        ),
        refines=("quantization-method-unsupported-gpu", "ext-missing-gpu-arch"),
        examples=(
            "ValueError: The quantization method fp8 is not supported for the current GPU. Minimum capability: 89. Current capability: 80.",
            "RuntimeError: torch._scaled_mm is only supported on CUDA devices with compute capability >= 9.0 or 8.9, or ROCm MI300+",
            "ValueError: FP8 quantized models is only supported on GPUs with compute capability >= 8.9 (e.g 4090/H100), actual = `8.0`",
            "AssertionError: Float8 training requires SM89 or later",
            "RuntimeError: FP8 is not supported on this device",
            "ERROR: FP8 models require a GPU with Compute Capability 8.9 or higher (e.g., RTX 4090). Your GPU's capability is 8.6.",
        ),
        counterexamples=(
            "ValueError: The quantization method awq is not supported for the current GPU. Minimum capability: 75. Current capability: 70.",
        ),
    ),
)
