"""GPU memory ran out: decided by the arithmetic of the allocator's message and by where it happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign

_UNITS = {"": 1.0, "BYTES": 1.0, "B": 1.0, "K": 2.0**10, "M": 2.0**20, "G": 2.0**30, "T": 2.0**40}
_SIZE = r"[\d.]+ (?:[KMGT]i?B|bytes)"

# torch 0.4 to 2.0; "cached" before 1.5
OLD_WORDING = (
    rf"Tried to allocate (?P<need>{_SIZE}) \([GN]PU (?P<gpu>\d+); (?P<total>{_SIZE}) total capacity; "
    rf"(?P<allocated>{_SIZE}) already allocated;(?: {_SIZE} current active;)? (?P<free>{_SIZE}) free;(?: (?P<allowed>{_SIZE}) allowed;)? (?P<reserved>{_SIZE}) "
    rf"(?P<word>\w+)"
)
# torch 2.1 and newer ("capacty" in 2.1 and 2.2)
NEW_WORDING = (
    rf"(?:Tried to allocate (?P<need>{_SIZE})\. )?GPU (?P<gpu>\d+) has a total capac\w+ of (?P<total>{_SIZE}) of which "
    rf"(?P<free>{_SIZE}) is free\.(?P<others>(?: \w+ \d+ has {_SIZE} memory in use\.){{0,64}})(?: Including non-PyTorch memory, this "
    rf"process has "
    rf"(?P<own>{_SIZE}) memory in use\.)?(?P<more>(?: \w+ \d+ has {_SIZE} memory in use\.){{0,64}})(?: (?P<allowed>{_SIZE}) allowed;)? "
    rf"Of the allocated memory (?P<allocated>{_SIZE}) is allocated by PyTorch,.{{0,120}}? (?P<unused>{_SIZE}) is reserved by PyTorch but "
    rf"unallocated"
)
# a paste that ends before the numbers of this process's allocator
CUT_WORDING = (
    rf"GPU (?P<gpu>\d+) has a total capac\w+ of (?P<total>{_SIZE}) of which (?P<free>{_SIZE}) is free\."
    rf"(?: \w+ \d+ has {_SIZE} memory in use\.){{0,64}} Including non-PyTorch memory, this process has (?P<own>{_SIZE})"
)
_ANY = rf"out of memory\. Tried to allocate (?P<need>{_SIZE})"


def size_of(text: str) -> float:
    """The bytes of a size as the allocator prints it, such as ``1.16 GiB`` or ``512 bytes``; 0.0 for an empty text."""
    found = re.match(r"([\d.]+) ?([A-Za-z]*)", text)
    if not found:
        return 0.0
    unit = found[2].upper()
    return float(found[1].rstrip(".") or 0) * _UNITS.get(unit, _UNITS.get(unit[:1], 1.0))


def _unused(groups: Mapping[str, str]) -> float:
    """Bytes that PyTorch has reserved and does not use."""
    if groups.get("unused"):
        return size_of(groups["unused"])
    if groups.get("word") == "cached":  # before torch 1.5 the number counts only what is not allocated
        return size_of(groups["reserved"])
    return max(0.0, size_of(groups.get("reserved", "")) - size_of(groups["allocated"]))


def _elsewhere(groups: Mapping[str, str]) -> float:
    """Bytes of the card that neither are free nor belong to this process (its CUDA context counted as 0.7 GiB where unknown)."""
    own = size_of(groups.get("own", "")) or size_of(groups["allocated"]) + _unused(groups) + 0.7 * 2**30
    return size_of(groups["total"]) - size_of(groups["free"]) - own


def fragmented(groups: Mapping[str, str], _: Any) -> bool:
    """The request would fit into what is free and what is reserved but unused, and the latter is a real part of the card."""
    if "need" in groups and not groups["need"]:
        return False
    unused = _unused(groups)
    whole = size_of(groups.get("total", "")) or size_of(groups["allocated"]) + unused
    fits = unused + size_of(groups.get("free", "")) >= size_of(groups.get("need", ""))
    return fits and unused >= 0.12 * whole and not held_elsewhere(groups, _)


def held_elsewhere(groups: Mapping[str, str], _: Any) -> bool:
    """A quarter of the card or more is held by somebody else (1.5 GiB at least: a desktop takes about one)."""
    return bool(groups.get("total")) and _elsewhere(groups) >= max(0.25 * size_of(groups["total"]), 1.5 * 2**30)


def _nothing_freed_yet(groups: Mapping[str, str], _: Any) -> bool:
    """PyTorch fills the card and has never freed a block: only weights were loaded so far."""
    filled = size_of(groups["allocated"]) >= 0.6 * size_of(groups["total"])
    return filled and _unused(groups) <= 16 * 2**20 and not held_elsewhere(groups, _)


RUNNING = (r"_call_impl", r"\.backward\(", r"optimizer\.step\(", r"in training_step", r"\.generate\(")
_LOADING = (
    r"module\._apply\(fn\)",
    r"param_applied = fn\(param",
    r"in convert (?:.{0,40} )?return t\.to\(",
    r"return self\._apply\(lambda t: t\.cuda\(",
    r"set_module_tensor_to_device",
    r"_load_state_dict_into_meta_model",
    r"\.from_pretrained\(",
    r"load_checkpoint_in_model",
    r"_load_pretrained_model",
    r"_materialize_copy",
    r"Loading checkpoint shards: ",
    r"in load_model",
    r"initialize_model\(",
    r"create_weights",
    r"bitsandbytes[/\\]nn[/\\]modules\.py.{0,80} in (?:cuda|to|_quantize)\b",
    r"safetensors[/\\]torch\.py",
    r"in load_weights\b",
)
CONSEQUENCES = (
    "nccl-watchdog-abort",
    "peer-rank-died-elsewhere",
    "nccl-timeout-straggler",
    "resource-tracker-leak",
    "nccl-heartbeat-monitor",
)

_LOWER_PEAK = Fix(
    do="Lower the peak: a smaller batch size (with gradient accumulation to keep the effective batch), shorter sequences or lower "
    "resolution, fewer frames or smaller tiles or crops at once. If it already is 1, use the next way.",
    code="per_device_train_batch_size=1, gradient_accumulation_steps=16, gradient_checkpointing=True, bf16=True",
)
_LESS_STATE = Fix(
    do="Keep less on each GPU: bf16/fp16 autocast, gradient (activation) checkpointing, LoRA or an 8-bit optimizer, or shard the "
    "parameters and optimizer state over the GPUs with FSDP or DeepSpeed ZeRO (with CPU offload where needed); otherwise a larger GPU.",
)
_NO_GRAPH = Fix(
    do="Rule out a leak: wrap evaluation in torch.no_grad() or torch.inference_mode(), accumulate loss.item() instead of loss, and do "
    "not keep outputs of earlier steps in a list on the GPU (.detach().cpu()).",
    code="with torch.inference_mode():\n    out = model(x)\nrunning += loss.item()",
)

CUDA_OOM = Cause(
    slug="cuda-oom",
    title="The GPU ran out of memory: what this process keeps on it does not fit",
    why="Parameters, gradients, optimizer state and the activations of the forward pass together need more memory than the card has. "
    "Nothing in the text points at another process on the card or at fragmentation, which are causes of their own.",
    signs=(
        Sign(OLD_WORDING, STRONG, test=lambda g, s: not held_elsewhere(g, s) and not fragmented(g, s)),
        Sign(NEW_WORDING, STRONG, test=lambda g, s: not held_elsewhere(g, s) and not fragmented(g, s)),
        Sign(_ANY, FAIR),
        Sign(r"OutOfMemoryError: (?:CUDA|HIP|XPU|NPU) out of memory", FAIR),
        Sign(r"(?:CUDA|HIP) out of memory\.", FAIR),
        Sign(r"(?:Error|Exception):? (?:CUDA|HIP):? out of memory", FAIR),
        Sign(r"\bCUDA OOM\b", WEAK),
        Sign(r"CUDA error: out of memory", FAIR),
        Sign(r"HIP error: out of memory", FAIR),
        Sign(r"CUDA driver error: out of memory", FAIR),
        Sign(r"CUDA_ERROR_OUT_OF_MEMORY", FAIR),
        Sign(r"cuda runtime error \(2\) ?: out of memory", FAIR),
        Sign(r"error=2 : out of memory", FAIR),
        Sign(r"cudaMalloc failed: out of memory", FAIR),
        Sign(r"torch\.(?:cuda\.)?OutOfMemoryError", FAIR),
        Sign(r"UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY", FAIR),
        Sign(r"CUDA call failed lazily.{0,80}out of memory", FAIR),
        Sign(r"cudaErrorMemoryAllocation", FAIR),
        Sign(r"hipErrorOutOfMemory", FAIR),
        Sign(r"CUDA_OUT_OF_MEMORY", FAIR),
        Sign(r"failed with error out of memory", FAIR),  # CTranslate2, tiny-cuda-nn
        Sign(r"CUDA (?:runtime )?(?:error|failure):? (?:2 ?(?::|at .{0,120}:) )?out of memory", FAIR),  # ONNX Runtime, LMDeploy, ggml
        Sign(r"cudaSuccess \(2 vs\. 0\) {1,2}out of memory", FAIR),  # Caffe
        Sign(r"cudaMalloc error out of memory", FAIR),  # Faiss
        Sign(r"Failed to cudaMalloc \d+ bytes", FAIR),
        Sign(r"cuMemAlloc\w{0,12} failed: out of memory", FAIR),
        Sign(r"Out of memory error on GPU \d+", FAIR),  # Paddle
        Sign(r"Requested amount of GPU memory \(", FAIR),  # TensorRT
        Sign(r"not enough GPU video memory available", FAIR),  # DirectML
        Sign(r"Out of GPU memory trying to allocate", FAIR),  # Julia
        Sign(r"Ran out of memory in memory space", FAIR),  # XLA on a TPU
        Sign(r"(?:vk)?ErrorOutOfDeviceMemory", FAIR),
        Sign(r"Not enough memory, use lower resolution", FAIR),  # stable-diffusion-webui
        Sign(r"Not enough memory to handle \d+ prefill tokens", FAIR),  # text-generation-inference
        Sign(r"Allocation on device \d* ?would exceed allowed memory", FAIR),  # cudaMallocAsync
        Sign(r"(?:Exception|Error).{0,40} Allocation on device\b", FAIR),  # ComfyUI
        Sign(r"Got an OOM, unloading all loaded models", FAIR),
        Sign(r"OOM in all workers, skipping update", FAIR),  # fairseq
        Sign(r"attempting to recover from OOM", FAIR),
        Sign(r"No executable batch size found, reached zero", FAIR),  # accelerate
        Sign(r"OOM when allocating tensor with shape.{0,160}GPU", FAIR),  # TensorFlow
        Sign(r"Allocator \(GPU_\d+_bfc\) ran out of memory", FAIR, unless=(r"not a failure",)),
        Sign(r"RESOURCE_EXHAUSTED: (?:Out of memory|Failed to allocate)", FAIR),  # JAX
        Sign(r"Out of memory allocating [\d,]+ bytes", FAIR),  # CuPy
        Sign(r"BFCArena::\w{1,30}.{0,60}Failed to allocate memory for requested buffer", FAIR),  # ONNX Runtime
        Sign(r"Error Code \d+: (?:Cuda Runtime \()?Out ?Of ?Memory", FAIR),  # TensorRT
        Sign(r"failed to allocate (?:CUDA|ROCm|Vulkan)\w{0,8} buffer of size", FAIR),  # ggml
        Sign(r"failed to allocate compute (?:pp )?buffers", FAIR),
        *(
            Sign(rf"{lack} (?:free )?(?:GPU|CUDA|video) (?:memory|RAM)\b", FAIR)
            for lack in ("not enough", "insufficient", "System is out of")
        ),
        Sign(r"(?:unable|failed) to allocate .{0,40}memory on (?:the )?(?:GPU|CUDA|device)", FAIR),
        # the allocator asks NVML for the numbers of its message, which fails under MIG and some containers
        Sign(r"NVML_SUCCESS == r INTERNAL ASSERT FAILED at .{0,40}CUDACachingAllocator", FAIR),
        Sign(r"CUDA OOMs: [1-9]\d*", WEAK),
        Sign(r"is reserved by PyTorch but unallocated", FAIR),
        Sign(r"[KMG]iB free; [\d.]+ [KMG]iB reserved in total by PyTorch", FAIR),
        Sign(r"would exceed allowed memory", FAIR),
        Sign(r"Including non-PyTorch memory, this process has", FAIR),
        Sign(r"[\d.]+ GiB total capacity;", FAIR),
    ),
    fixes=(
        _LOWER_PEAK,
        _LESS_STATE,
        _NO_GRAPH,
        Fix(
            do="With several ranks, call torch.cuda.set_device(local_rank) before the first CUDA call (or give each rank its own "
            "CUDA_VISIBLE_DEVICES), so that no rank opens a context on GPU 0; reduce what rank 0 does alone.",
            when="world_size>1",
        ),
        Fix(
            do="Only if much memory is reserved but unallocated: let the allocator grow its segments with "
            "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True.",
            commands=("export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",),
        ),
    ),
    explains=CONSEQUENCES,
    wrong_advice="The allocator setting that the message suggests helps only when reserved but unallocated memory is large; it does not "
    "make "
    "room for tensors that are in use.",
    decide="nvidia-smi",
    examples=(
        '  File "/srv/vsr/net.py", line 88, in forward\n    x = self.up(x)\nRuntimeError: CUDA out of memory. Tried to allocate 1.50 GiB '
        "(GPU 0; 10.91 GiB total capacity; 8.62 GiB already allocated; 1.31 GiB free; 8.64 GiB reserved in total by PyTorch)",
        "[rank2]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 256.00 MiB. GPU 2 has a total capacity of 39.39 GiB of "
        "which "
        "90.00 MiB is free. Including non-PyTorch memory, this process has 39.29 GiB memory in use. Of the allocated memory 37.80 GiB is "
        "allocated by PyTorch, and 412.50 MiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try "
        "setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.",
        "torch.cuda.OutOfMemoryError: CUDA out of memory.",
        "RuntimeError: cuda runtime error (2) : out of memory at /pytorch/aten/src/THC/generic/THCStorage.cu:58",
        "Tried to allocate 30.00 MiB (GPU 0; 11.17 GiB total capacity; 10.41 GiB already allocated; 22.81 MiB free; 10.60 GiB reserved in "
        "total by PyTorch)",
        "RuntimeError: CUDA failed with error out of memory",
        "ResourceExhaustedError: Out of memory error on GPU 0. Cannot allocate 1.220703GB memory on GPU 0, 10.5GB memory has been allocated",
        "Check failed: error == cudaSuccess (2 vs. 0)  out of memory",
        "Error in faiss::gpu::StandardGpuResourcesImpl::allocMemory: alloc fail type TemporaryMemoryBuffer dev 0 space Device size "
        "1610612736 bytes (cudaMalloc error out of memory [2])",
        "torch.OutOfMemoryError: Allocation on device 0 would exceed allowed memory. (out of memory)\nCurrently allocated     : 7.31 GiB\n"
        "Requested               : 64.00 MiB\nDevice limit            : 8.00 GiB",
        "RuntimeError: No executable batch size found, reached zero.",
        "ResourceExhaustedError: OOM when allocating tensor with shape[16,256,256,32] and type float on "
        "/job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc [Op:Conv2D]",
        "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4294967296 bytes.",
        "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 2,147,483,648 bytes (allocated so far: 9,663,676,416 bytes).",
        "ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 268435456\nllama_init_from_model: failed to allocate compute buffers",
        "Of the allocated memory 20.12 GiB is allocated by PyTorch, and 765.81 MiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting",
    ),
    counterexamples=(
        "epoch 3: peak memory 9.8 GiB, no CUDA out-of-memory retries",
        "RuntimeError: MPS backend out of memory (MPS allocated: 8.10 GB, other allocations: 2.00 GB, max allowed: 9.07 GB).",
    ),
)

AT_LOAD = Cause(
    slug="cuda-oom-at-load",
    title="The weights alone do not fit into the GPU's memory while the model is loaded or moved to it",
    why="The memory ran out while parameters were placed on the GPU: no batch had been computed. A model needs about 4 bytes per parameter "
    "in float32 and 2 in float16/bfloat16, so the batch size does not matter here.",
    signs=(
        Sign(NEW_WORDING, FAIR, unless=RUNNING, near=8000, test=_nothing_freed_yet),
        *(Sign(_ANY, FAIR, also=(frame,), unless=RUNNING, near=5000) for frame in _LOADING),
        *(Sign(r"CUDA error: out of memory", FAIR, also=(frame,), unless=RUNNING, near=5000) for frame in _LOADING[4:]),
        Sign(r"cudaMalloc failed: out of memory", FAIR, also=(r"error loading model",)),
        Sign(r"error loading model: unable to allocate (?:CUDA|ROCm|Vulkan|backend|SYCL)\w{0,8} buffer", STRONG),
        Sign(r"unable to allocate (?:CUDA|ROCm|Vulkan|SYCL)\w{0,8} buffer", FAIR),
        Sign(r"Insufficient (?:VRAM|space) (?:for model and cache|in device allocation)", FAIR),  # ExLlama
        Sign(r"alloc_tensor_range: failed to allocate (?:CUDA|ROCm|Vulkan|SYCL)\w{0,8} buffer", FAIR),
    ),
    fixes=(
        Fix(
            do="Load the weights in lower precision (half precision) or with quantization: dtype=torch.bfloat16 (torch_dtype in older "
            "transformers), or 8/4 bit "
            "through BitsAndBytesConfig, or an already quantized checkpoint.",
            code='model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16, device_map="auto")',
        ),
        Fix(
            do='Spread the model instead of moving it whole: device_map="auto" with max_memory (several GPUs, the rest offloaded to the '
            "CPU), "
            "tensor parallelism, FSDP or ZeRO-3; keep it on the CPU while quantizing.",
            code='from_pretrained(name, device_map="auto", max_memory={{0: "13GiB", "cpu": "48GiB"}})',
        ),
        Fix(do="Use a GPU with more memory (a larger card) or a smaller model. A smaller batch does not help at this point."),
        Fix(
            do='Load checkpoints with map_location="cpu", so that a second copy of the weights does not land on the GPU.',
            code='state = torch.load(path, map_location="cpu")',
        ),
    ),
    refines=("cuda-oom",),
    explains=("cuda-oom", *CONSEQUENCES),
    wrong_advice="The allocator setting that the message suggests does not help: hardly anything is reserved but unused.",
    decide="nvidia-smi",
    examples=(
        '  File "/opt/env/lib/python3.10/site-packages/torch/nn/modules/module.py", line 820, in _apply\n    param_applied = fn(param)\n'
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 172.00 MiB (GPU 0; 11.76 GiB total capacity; 10.93 GiB already "
        "allocated; 110.25 MiB free; 10.94 GiB reserved in total by PyTorch)",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has a total capacity of 23.58 GiB of which "
        "12.25 MiB is "
        "free. Including non-PyTorch memory, this process has 23.56 GiB memory in use. Of the allocated memory 23.17 GiB is allocated by "
        "PyTorch, and 1.02 MiB is reserved by PyTorch but unallocated.",
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 21504.00 MiB on device 0: cudaMalloc failed: out of memory\n"
        "alloc_tensor_range: failed to allocate CUDA0 buffer of size 22548578304\n"
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
    ),
    counterexamples=(
        "Loading checkpoint shards: 100%|##########| 2/2 [00:07<00:00]\nmodel ready, 13.2 GiB in use",
        "llama_model_load: error loading model: unable to allocate CPU buffer",
    ),
)

CAUSES = (CUDA_OOM, AT_LOAD)
