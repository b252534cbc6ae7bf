"""Attention and indexing kernels that do not exist for this GPU, data type or size."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

SDPA = Cause(
    slug="sdpa-no-kernel",
    title="No attention kernel was found for this GPU, data type and shape",
    why="scaled_dot_product_attention (or xformers) was restricted to kernels that do not take this input: flash attention needs float16 "
    "or bfloat16 and a GPU of "
    "compute capability 8.0 or newer, the memory-efficient one has limits on masks and head sizes, and bfloat16 needs a GPU that has it.",
    signs=(
        Sign(r"Operator `?memory_efficient_attention`? does not support inputs", FAIR),
        Sign(r"(?:flshatt|cutlass|smallk|decoder|triton\w{0,12}|fa[23]|ck|ck_decoder)[FB]\S{0,20} is not supported (?:because|due)", FAIR),
        Sign(r"requires device with capability > \("),
        Sign(r"No available kernel\. ? ?Aborting execution"),
        Sign(r"cutlassF: no kernel found to launch"),
        Sign(r"No operator found for `?memory_efficient_attention_\w+`? with inputs", FAIR),
        Sign(r"No viable backend for scaled_dot_product_attention"),
        Sign(r"cutlass[FB]\S{0,3}: no kernel found"),
        Sign(r"Invalid backend for scaled_dot_product_attention", FAIR),
    ),
    unless=(r"xFormers wasn't build with CUDA support", r"xFormers can't load"),
    fixes=(
        Fix(
            do="Allow the math kernel as well (do not restrict the backends), or choose it.",
            code="with torch.nn.attention.sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):\n    out = "
            "F.scaled_dot_product_attention(q, k, v)",
        ),
        Fix(
            do="Use float16 instead of bfloat16 on GPUs before compute capability 8.0, and half precision (not float32) for flash "
            "attention."
        ),
        Fix(do='Or use the plain implementation: attn_implementation="eager" in transformers; update PyTorch.'),
    ),
    examples=(
        "ValueError: Operator `memory_efficient_attention` does not support inputs:\n     query       : shape=(1, 77, 8, 40) (torch.float16)",
        "`flshattF` is not supported because:\n    requires a GPU with compute capability > 7.5",
        "`fa2F@v2.5.7` is not supported because:\n    requires device with capability > (8, 0) but your GPU has capability (7, 5) (too old)",
        "RuntimeError: No viable backend for scaled_dot_product_attention was found. This is likely due to turning off both the math kernel and the fused kernels.",
        "RuntimeError: No available kernel. Aborting execution.",
        "RuntimeError: cutlassF: no kernel found to launch!",
    ),
    counterexamples=(
        "`cutlassF` is not supported because:\n    xFormers wasn't build with CUDA support",
        "jupyter: No available kernel for this notebook",
    ),
)

FLASH_BACKWARD = Cause(
    slug="flash-backward-unsupported-gpu",
    title="The backward pass of flash attention does not run on this GPU for this head dimension",
    why="The backward kernel for large head dimensions needs more shared memory than consumer GPUs (RTX 30 and 40 series) have; it works "
    "on A100 and H100.",
    signs=(
        Sign(r"FlashAttention backward for head dim\b"),
        Sign(r"Expected is_sm80 (?:\|\| is_sm90 )?to be true"),
        Sign(r"FlashAttention backward for head dim ?> ?\d+ requires"),
    ),
    fixes=(
        Fix(
            do="Upgrade PyTorch or flash-attn (newer ones lift the limit or choose another kernel by themselves).",
            commands=("pip install --upgrade torch",),
        ),
        Fix(
            do="Or use another attention kernel for training: the memory-efficient or math backend of scaled_dot_product_attention, a "
            "smaller head dimension."
        ),
    ),
    examples=(
        "RuntimeError: FlashAttention backward for head dim 256 with dropout, or head dim 224 with/without dropout requires A100/A800 or H100/H800",
        "RuntimeError: Expected is_sm80 || is_sm90 to be true, but got false.  (Could this error message be improved?)",
    ),
    counterexamples=("AssertionError: Expected is_valid to be true",),
)

INT32 = Cause(
    slug="tensor-exceeds-int32",
    title="A tensor has more elements than the kernel's 32-bit index can count",
    why="Some CUDA kernels index with 32 bits, so that one tensor may have at most 2**31 - 1 elements.",
    signs=(
        Sign(r"less than INT_MAX\b"),
        Sign(r"(?:smaller|fewer|less) than 2(?:\^|\*\*)31 elements", FAIR),
        Sign(r"more than 2(?:\^|\*\*)31(?: ?- ?1)? elements", FAIR),
        Sign(r"CUDA kernel launch blocks must be positive, but got N=-"),
        Sign(r"(?:with|for) (?:tensors with )?(?:more|less) than INT_MAX elements"),
        Sign(r"than INT_MAX elements"),
        Sign(r"must fit into 32-bit index math"),
        Sign(r"too large for 32-?bit indexing"),
        Sign(r"canUse32BitIndexMath.{0,80}INTERNAL ASSERT FAILED"),
        Sign(r"numel\(\) <= std::numeric_limits<int(?:32_t)?>::max\(\) to be true"),
        Sign(r"integer out of range.{0,60}CUDA", FAIR),
        Sign(r"Expected canUse32BitIndexMath"),
        Sign(r"canUse32BitIndexMath.{0,120}to be true"),
        Sign(r"tensor too large or too many \(>\d+\) dimensions"),
        Sign(r"(?:larger than|exceeds?|over|greater than|<=?) INT_MAX\b"),
        Sign(r"quantile\(\) input tensor is too large", FAIR),
        Sign(r"RuntimeError: integer out of range", FAIR),
    ),
    fixes=(
        Fix(
            do="Split the tensor: a smaller batch, tiles or chunks along one dimension, so that every tensor stays below 2**31 elements.",
            code="out = torch.cat([op(part) for part in x.split(64)])",
        ),
        Fix(do="Upgrade PyTorch: several of these kernels got 64-bit indexing; or do this one operation on the CPU."),
    ),
    examples=(
        "RuntimeError: index_select(): self indexing axis dim should be less than INT_MAX",
        "CUDA kernel launch blocks must be positive, but got N=-2147483648",
        "RuntimeError: Expected canUse32BitIndexMath(input) && canUse32BitIndexMath(output) to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)",
        "RuntimeError: quantile() input tensor is too large",
        "RuntimeError: nonzero is not supported for tensors with more than INT_MAX elements,   file a support request",
        "RuntimeError: upsample_nearest2d_nhwc only supports output tensors with less than INT_MAX elements",
    ),
    counterexamples=(
        "CUDA kernel launch blocks must be positive, but got N=0",
        "OverflowError: Python int too large to convert to C long",
    ),
)

CAUSES = (SDPA, FLASH_BACKWARD, INT32)
