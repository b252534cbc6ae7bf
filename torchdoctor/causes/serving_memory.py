"""Inference servers (vLLM, SGLang) that find too little GPU memory for their cache."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

_AFTER = ("cuda-oom", "peer-rank-died-elsewhere", "resource-tracker-leak", "user-error-in-rank")

NO_BLOCKS = Cause(
    slug="kv-cache-no-memory",
    title="No GPU memory was left for the KV cache after the model was loaded",
    why="The server takes a fraction of the card (gpu_memory_utilization), loads the weights, measures one run and gives the rest to the "
    "KV cache. Here that rest is "
    "zero or negative: weights and activations alone use the fraction up.",
    signs=(
        Sign(r"No available memory for the cache blocks"),
        Sign(r"Available KV cache memory: -\d", FAIR),
        Sign(r"Not enough memory\. Please try to increase --mem-fraction-static"),
        Sign(r"# GPU blocks: 0\b", FAIR),
    ),
    fixes=(
        Fix(
            do="Raise gpu_memory_utilization (vLLM) or --mem-fraction-static (SGLang) if the card is otherwise free, and free it from "
            "other processes (nvidia-smi).",
            commands=("vllm serve MODEL --gpu-memory-utilization 0.95 --max-model-len 8192", "nvidia-smi"),
        ),
        Fix(
            do="Need less besides the cache: a quantized or smaller model, --tensor-parallel-size over more GPUs, a smaller "
            "--max-num-batched-tokens, or "
            "--enforce-eager (no memory for CUDA graphs).",
        ),
    ),
    explains=_AFTER,
    examples=(
        '  File "/opt/env/lib/python3.12/site-packages/vllm/v1/core/kv_cache_utils.py", line 680, in check_enough_kv_cache_memory\n'
        "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.",
    ),
    counterexamples=("INFO gpu_worker.py:298] Available KV cache memory: 12.77 GiB",),
)

TOO_LONG = Cause(
    slug="kv-cache-too-small-for-context",
    title="The KV cache that fits into the GPU cannot hold one request of the model's full context",
    why="The server refuses to start when a single sequence of max_model_len would not fit into the cache.",
    signs=(
        Sign(r"is larger than the maximum number of tokens that can be stored in (?:the )?KV cache"),
        Sign(r"To serve at least one request with the model'?s max seq len"),
        Sign(r"estimated maximum model length is \d+", FAIR),
    ),
    fixes=(
        Fix(
            do="Lower the context: --max-model-len to what is needed (the message gives a length that fits).",
            commands=("vllm serve MODEL --max-model-len 8192",),
        ),
        Fix(
            do="Or make the cache larger: higher gpu_memory_utilization, --kv-cache-dtype fp8, a quantized model, or more GPUs "
            "(--tensor-parallel-size)."
        ),
    ),
    explains=_AFTER,
    examples=(
        "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache "
        "(36608). Try increasing "
        "`gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
    ),
    counterexamples=("Token indices sequence length is longer than the specified maximum sequence length for this model (900 > 512)",),
)

STARTUP = Cause(
    slug="serving-gpu-not-free",
    title="Less GPU memory is free at start than the server was told to use",
    why="The server wants its fraction of the whole card, and another process (or an earlier instance that is still ending) holds a part "
    "of it.",
    signs=(
        Sign(r"Free memory on device .{0,80}on startup is less than desired GPU memory utilization"),
        Sign(r"Error in memory profiling\. Initial free memory"),
        Sign(r"less than desired GPU memory utilization"),
    ),
    fixes=(
        Fix(
            do="See with nvidia-smi who holds the memory, stop a leftover server or worker process, or choose another GPU with "
            "CUDA_VISIBLE_DEVICES.",
            commands=("nvidia-smi",),
        ),
        Fix(do="Or lower gpu_memory_utilization to what is free.", commands=("vllm serve MODEL --gpu-memory-utilization 0.7",)),
    ),
    refines=("cuda-oom-other-process",),
    explains=_AFTER,
    examples=(
        "ValueError: Free memory on device (10.2/23.6 GiB) on startup is less than desired GPU memory utilization (0.9, 21.2 GiB). "
        "Decrease GPU memory utilization "
        "or reduce GPU memory used by other processes.",
    ),
    counterexamples=("GPU memory utilization: 0.9",),
)

CAUSES = (NO_BLOCKS, TOO_LONG, STARTUP)
