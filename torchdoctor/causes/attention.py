"""Attention kernels and masks: flash-attn missing or given float32, masks of the wrong shape."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="flash-attention-needs-half",
        title="FlashAttention was called with float32 tensors",
        why="The flash-attn kernels exist for fp16 and bf16 only. The model was loaded in float32, or upcast layer norms or an adapter "
        "turned the hidden states back to float32 before the attention.",
        signs=(
            Sign(r"FlashAttention only supports? (?:fp16 and bf16|fp16, bf16)"),
            Sign(
                r"Flash ?Attention.{0,40}only supports? .{0,30}(?:fp16|float16).{0,40}(?:bf16|bfloat16)",
                unless=(r"You are attempting to use Flash ?Attention",),
                near=20,
            ),
            Sign(
                r"attempting to use Flash ?Attention 2\.0 with(?:out specifying a torch dtype| torch\.float32)",
                FAIR,
                also=(r"RuntimeError|Traceback",),
            ),
            Sign(r"dtype in \[torch\.float16, torch\.bfloat16\]", FAIR, also=(r"AssertionError",)),
        ),
        fixes=(
            Fix(
                "Load the model in half precision, torch_dtype=torch.bfloat16 (or float16), and run training or generate under "
                "torch.autocast (bf16=True / fp16=True in the Trainer).",
                code="model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16, "
                'attn_implementation="flash_attention_2")',
            ),
            Fix(
                "Or use an attention that takes float32: attn_implementation='sdpa' or 'eager'.",
                code='model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="sdpa")',
            ),
        ),
        examples=(
            "    out, q, k, v, out_padded, softmax_lse, S_dmask, rng_state = flash_attn_gpu.fwd(\n"
            "RuntimeError: FlashAttention only support fp16 and bf16 data type",
            "    assert qkv.dtype in [torch.float16, torch.bfloat16]\nAssertionError",
        ),
        counterexamples=(
            "You are attempting to use Flash Attention 2.0 without specifying a torch dtype. This might lead to unexpected behaviour",
        ),
    ),
    Cause(
        slug="flash-attn-not-installed",
        title="FlashAttention 2 was asked for, but the package flash-attn is not installed",
        why="attn_implementation='flash_attention_2' (or the repository's own code) needs the separate package flash_attn in the "
        "interpreter that runs, with a CUDA GPU of the Ampere generation or newer.",
        signs=(
            Sign(r"the package flash_attn seems to be not installed"),
            Sign(r"FlashAttention2 has been toggled on, but it cannot be used"),
            Sign(r"Flash Attention 2(?:\.0)? is not available"),
            Sign(r"No module named '?flash_attn(?!\w*_2_cuda|\w*_cuda)"),
            Sign(r"requires the following packages that were not found in your environment: [^.]{0,80}flash_attn"),
            Sign(r"flash[_-]attn (?:is )?not installed", FAIR, also=(r"Error: |Traceback",)),
            ends_in("transformers/modeling_utils.py", "_check_and_enable_flash_attn_2|_flash_attn_2_can_dispatch"),
            Sign(r"name '(?:_?flash_attn\w*|index_first_axis|unpad_input|pad_input|_flash_supports_window_size)' is not defined"),
            Sign(
                r"Flash[ _-]?Att(?:ention|n)(?:[ _-]?[23])? (?:is )?(?:not installed|required|not available)",
                FAIR,
                also=(r"Error: |Traceback",),
                unless=(r"use_flash_attn is set to False|[Ff]all(?:ing)? back",),
            ),
            Sign(r"please install flash[ _-]?att", FAIR, also=(r"Error: |Traceback",)),
            Sign(r"Flash ?Attention[- ]?[34] has been toggled on, but it cannot be used"),
            Sign(r"flash_attn\w{0,20}\(.{0,200}'NoneType' object is not callable"),
        ),
        fixes=(
            Fix(
                "Without flash-attn: choose another attention, attn_implementation='sdpa' (or 'eager'); it is built into torch and "
                "nearly as fast.",
                code='model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="sdpa")',
            ),
            Fix(
                "Or install it into the same interpreter (Linux, NVIDIA GPU from Ampere on, CUDA toolkit for building).",
                commands=("pip install flash-attn --no-build-isolation",),
                when="os!=macos",
            ),
        ),
        refines=("module-not-installed",),
        examples=(
            "ImportError: FlashAttention2 has been toggled on, but it cannot be used due to the following error: the package "
            "flash_attn seems to be not installed.",
            "ImportError: This modeling file requires the following packages that were not found in your environment: flash_attn. Run "
            "`pip install flash_attn`",
            "NameError: name 'flash_attn_func' is not defined",
            "AssertionError: Please install flash-attn",
            "ImportError: FlashAttention3 has been toggled on, but it cannot be used due to the following error: the package flash_attn_3 seems to be not installed.",
        ),
        counterexamples=(
            "ImportError: flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so: undefined symbol: _ZN3c104cuda9SetDeviceEi",
            "WARNING Flash Attention is not available, falling back to sdpa",
        ),
    ),
    Cause(
        slug="flash-attn-gpu-too-old",
        title="FlashAttention does not support this GPU",
        why="flash-attn 2 has kernels for Ampere (compute capability 8.0) and newer GPUs only; T4, V100, P100 and RTX 20xx are older.",
        signs=(
            Sign(r"FlashAttention only supports (?:Ampere|Turing|Hopper|Ada)\w* (?:GPUs )?(?:or newer|and above|GPUs)"),
            Sign(r"FlashAttention only supports .{0,20}GPUs? or newer"),
        ),
        fixes=(
            Fix(
                "Use another attention: attn_implementation='sdpa' or 'eager' (in vLLM VLLM_ATTENTION_BACKEND=XFORMERS).",
                code='model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="sdpa")',
            ),
            Fix("Or run on a GPU of the Ampere generation or newer."),
        ),
        examples=("RuntimeError: FlashAttention only supports Ampere GPUs or newer.",),
        counterexamples=("RuntimeError: FlashAttention only support fp16 and bf16 data type",),
    ),
    Cause(
        slug="attention-mask-shape",
        title="The attention mask does not have the size of the attention scores ({wanted|keys} wanted, {got|another} given)",
        why="Mask and key/value cache must describe the same number of positions. They get out of step after a change of transformers "
        "(another cache or mask layout), with gradient checkpointing and use_cache together, or with a hand-made mask.",
        signs=(
            Sign(r"Attention mask should be of size \(?(?P<wanted>[\d, ]+)\)?, but is (?P<got>torch\.Size\(\[[\d, ]+\]\))"),
            Sign(r"Attention mask should be of size"),
            Sign(
                r"The size of tensor a \((?P<wanted>\d+)\) must match the size of tensor b \((?P<got>\d+)\) at non-singleton dimension "
                r"[23]",
                FAIR,
                also=(
                    r"(?:attn|attention)_(?:weights|scores|probs) ?\+ "
                    r"?\w*mask|causal_mask|attn_mask|attention_mask|scaled_dot_product_attention|masked_fill\(mask",
                ),
                near=900,
            ),
            Sign(
                r"The expanded size of the tensor \((?P<wanted>\d+)\) must match the existing size \((?P<got>\d+)\) at non-singleton "
                r"dimension [23]",
                FAIR,
                also=(r"scaled_dot_product_attention|attn_mask|attention_mask",),
                near=900,
            ),
            Sign(r"The shape of the (?:2D|3D|mask) attn_mask is torch\.Size"),
            Sign(r"Attention weights should be of size \(?(?P<wanted>[\d, ]+)\)?, but is"),
            Sign(
                r"The shape of the mask \[(?P<got>[\d, ]+)\] at index \d does not match the shape of the indexed tensor "
                r"\[(?P<wanted>[\d, ]+)\]",
                FAIR,
                also=(r"attention_mask|input_ids",),
            ),
            Sign(r"Target sizes: \[\d+, \d+, \d+, \d+\]\. +Tensor sizes: \[\d+, 1, \d+, \d+\]", FAIR),
            Sign(
                r"The expanded size of the tensor \((?P<wanted>\d+)\) must match the existing size \((?P<got>\d+)\) at non-singleton dimension [23]",
                also=(r"transformers[/\\]models[/\\]\w+[/\\]modeling_|Attention\.forward",),
                near=900,
            ),
            Sign(
                r"output with shape \[[\d, ]{1,40}\] doesn't match the broadcast shape",
                FAIR,
                also=(r"attn_mask|attention_mask|causal_mask|\bmask\b",),
                near=900,
            ),
            Sign(r"Wrong shape for (?:\w+ \(shape .{1,60}\) or )?\(?(?:input_ids|attention_mask)"),
            Sign(
                r"Mask shape \[[\d, ]{1,30}\] at index \d.{0,30}mismatch",
                FAIR,
                also=(r"attention_mask|input_ids|past_key_value|Qwen\w*VL",),
            ),
            Sign(r"Key and Value must have the same sequence length", FAIR),
        ),
        fixes=(
            Fix(
                "Use the transformers version that the model's code (or your program) was written for: pin or upgrade it; between "
                "versions the layout of mask and cache changed.",
                commands=("pip install -U transformers", "pip install transformers==VERSION_OF_THE_CONFIG"),
            ),
            Fix("In training with gradient checkpointing set model.config.use_cache = False.", code="model.config.use_cache = False"),
            Fix(
                "Pass the tokenizer's attention_mask of the same input (same length as input_ids plus the cache) and no old "
                "past_key_values."
            ),
        ),
        refines=("shape-mismatch",),
        examples=(
            "ValueError: Attention mask should be of size (2, 1, 1024, 2048), but is torch.Size([2, 1, 1024, 1024])",
            "    attn_weights = attn_weights + causal_mask\nRuntimeError: The size of tensor a (513) must match the size of tensor b "
            "(512) at non-singleton dimension 3",
            "ValueError: Wrong shape for input_ids (shape torch.Size([2048])) or attention_mask (shape torch.Size([2048]))",
            "    input_ids = input_ids[attention_mask[i] == 1]\nIndexError: Mask shape [613] at index 0 mismatch the shape of the indexed tensor [1] at index 0",
        ),
        counterexamples=("RuntimeError: The size of tensor a (32) must match the size of tensor b (64) at non-singleton dimension 1",),
    ),
)
