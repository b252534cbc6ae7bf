"""Models placed by accelerate: device_map, offload, the meta device, and GPU numbers that do not exist."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="accelerate-model-to-after-dispatch",
        title="A model that accelerate has already placed (device_map or CPU offload) is moved again",
        why="device_map and the offload functions put hooks on the modules and decide their devices; part of the weights may be on the "
        "CPU, the disk or the meta device. "
        "`.to()`, `.cuda()`, `device=` of a pipeline or DeepSpeed ZeRO-3 would break that placement and are refused.",
        signs=(
            Sign(r"You can't move a model that has some modules offloaded to cpu or disk"),
            Sign(r"Cannot copy out of meta tensor", also=(r"deepspeed[/\\]", r"device_map")),
            Sign(r"You can't move a model with \S+ when it was loaded with .{0,20}device_map"),
            Sign(r"The model has been loaded with `?accelerate`? and therefore cannot be moved to a specific device"),
            Sign(
                r"activated a device mapping strategy on the pipeline (?:which|so) .{0,20}(?:doesn't|not) allow explicit device placement"
            ),
            Sign(r"you have activated (?:sequential|model) .{0,120}but are now attempting to move the pipeline to GPU"),
            Sign(
                r"You shouldn't move a model (?:that is dispatched|when it is dispatched) (?:using accelerate hooks|on multiple devices)",
                FAIR,
            ),
            Sign(r"[`']?\.to\(?\)?[`']? .{0,40}(?:dispatched|offloaded) (?:using|with|by) [`']?accelerate", FAIR),
            Sign(r"device mapping strategy on the pipeline"),
            Sign(
                r"is not supported .{0,60}when (?:using|the model (?:is|was) loaded with) .{0,10}device_map",
                FAIR,
                also=(r"\.to\(|\.cuda\(",),
                near=300,
            ),
            Sign(r"cannot be moved to a specific device"),
            Sign(r"discard the `?device`? argument when creating your pipeline"),
            ends_in("accelerate/big_modeling.py", "wrapper", code=r"raise RuntimeError\("),
            ends_in("accelerate/big_modeling.py", "wrapper"),
        ),
        fixes=(
            Fix(
                "Leave out the .to(device) / .cuda() (or the pipeline's device=): a model loaded with device_map or with CPU offload "
                "(enable_sequential_cpu_offload, enable_model_cpu_offload) is already placed by accelerate's hooks. "
                "Move only the inputs, inputs.to(model.device).",
                code='model = AutoModelForCausalLM.from_pretrained(name, device_map="auto")   # no .to(), no .cuda() after this',
            ),
            Fix(
                "Or load without device_map and low_cpu_mem_usage and move the model yourself (also for DeepSpeed ZeRO-3); a diffusers "
                "pipeline: pipe.reset_device_map() first.",
                code='model = AutoModelForCausalLM.from_pretrained(name).to("cuda")',
            ),
        ),
        explains=("meta-tensor",),
        refines=("meta-tensor",),
        examples=(
            '  File "/app/chat.py", line 22, in <module>\n    model = model.to("cuda")\n'
            "RuntimeError: You can't move a model that has some modules offloaded to cpu or disk.",
            "ValueError: The model has been loaded with `accelerate` and therefore cannot be moved to a specific device. Please "
            "discard the `device` argument when creating your pipeline object.",
            "ValueError: It seems like you have activated a device mapping strategy on the pipeline which doesn't allow explicit "
            "device placement using `to()`. You can call `reset_device_map()` first.",
            '  File "/opt/env/lib/python3.10/site-packages/accelerate/big_modeling.py", line 458, in wrapper',
            "It seems like you have activated sequential model offloading by calling `enable_sequential_cpu_offload`, but are now attempting to move the pipeline to GPU. This is not compatible with offloading. Please, move your pipeline `.to('cpu')` or consider removing the move altogether if you use sequential offloading.",
        ),
        counterexamples=("model.to('cuda')\nprint('model moved')",),
    ),
    Cause(
        slug="meta-tensor",
        title="Parameters are on the meta device: they have a shape but no data",
        why="With device_map, low_cpu_mem_usage or init_empty_weights a model is first created without data on the meta device. "
        "Parameters that were offloaded, "
        "or for which the checkpoint held no weights, are still there when the model is moved or used.",
        signs=(
            Sign(r"Cannot copy out of meta tensor; no data"),
            Sign(r"Tensor on device (?P<one>[\w:]+) is not on the expected device meta"),
            Sign(r"Tensor on device meta is not on the expected device (?P<one>[\w:]+)"),
            Sign(r"is on the meta device, we need a `?value`? to put in on (?P<one>[\w:]+)"),
            Sign(r"found at least two devices, meta and (?P<one>[\w:]+)"),
            Sign(r"found at least two devices, (?P<one>[\w:]+) and meta\b"),
            Sign(r"is on meta, different from other tensors on"),
            Sign(r"tensors? to not be on a GPU.{0,80}device\(type='meta'\)"),
            Sign(r"Error: .{0,300}device\(type='meta'", FAIR),
            Sign(r"(?:Tensor )?data is not allocated yet.{0,40}\bmeta\b", FAIR),
            Sign(r"Cannot (?:access|copy|convert|save|load|pin|move|get|use) .{0,40}\bmeta (?:tensor|device|parameter)", FAIR),
            Sign(
                r"\b(?:weights?|parameters?|tensors?|buffers?|modules?) (?:is|are) (?:still )?on (?:the )?[`'\"]?meta[`'\"]? device",
                FAIR,
                also=(r"Error",),
                near=200,
            ),
            Sign(r"a (?:view|Tensor|storage) .{0,40}\bmeta tensors? (?:is not|are not|cannot|can't)", FAIR),
            Sign(r"Attempted to (?:access|set|call) .{0,80}on (?:a )?meta tensor"),
            Sign(r"copying from a non-meta parameter in the checkpoint to a meta parameter in the current model", FAIR),
            Sign(r"Tensor\.item\(\) cannot be called on meta tensors"),
            Sign(r"meta tensor; no data", FAIR),
            Sign(r"attempted to run this operator with Meta tensors"),
            Sign(r"Error: .{1,120}torch\.nn\.Module\.to_empty\(\)", FAIR),
            ends_in("accelerate/utils/modeling.py", "set_module_tensor_to_device", code=r"raise ValueError\("),
            ends_in("accelerate/utils/offload.py", "offload_weight", code=r"weight\.(?:detach\(\)\.)?cpu\(\)\.numpy\(\)"),
            ends_in("torch/nn/modules/module.py", "convert", code=r"raise NotImplementedError"),
            Sign(r"is not on the expected device", FAIR, unless=(r"Tensor on device (?:cpu|cuda|mps|xpu)",)),
            Sign(r"\bdevice meta is not on\b"),
        ),
        fixes=(
            Fix(
                "Load the weights for real: drop device_map / low_cpu_mem_usage=True (or init_empty_weights) before calling "
                ".to(device), and check that the checkpoint holds every weight "
                "(no 'newly initialized' names in the log).",
                code='model = AutoModelForCausalLM.from_pretrained(name, low_cpu_mem_usage=False).to("cuda")',
            ),
            Fix(
                "Where parts were offloaded to the CPU or disk for lack of memory: make the model fit (half precision, quantization, "
                "smaller model, more GPUs) or leave out the .to() and "
                "let accelerate run it."
            ),
            Fix(
                "For a model built on purpose on the meta device: model.to_empty(device=...) and then load the state_dict (or "
                "initialise it), or load_state_dict(state, assign=True).",
                code="model = model.to_empty(device='cuda')\nmodel.load_state_dict(state)   # or, without to_empty: "
                "model.load_state_dict(state, assign=True)",
            ),
        ),
        refines=("device-mismatch",),
        examples=(
            "    return t.to(device, dtype if t.is_floating_point() else None)\n"
            "NotImplementedError: Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() "
            "instead of torch.nn.Module.to() when moving module from meta to a different device.",
            "ValueError: weight is on the meta device, we need a `value` to put in on 0.",
            "RuntimeError: Tensor on device cuda:0 is not on the expected device meta!",
            "RuntimeError: Tensor.item() cannot be called on meta tensors",
            "RuntimeError: All input tensors need to be on the same GPU, but found some tensors to not be on a GPU: "
            "[(torch.Size([16, 16]), device(type='meta'))]",
            '  File "/opt/env/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1326, in convert\n    raise NotImplementedError(',
        ),
        counterexamples=("Some parameters are on the meta device because they were offloaded to the cpu.",),
    ),
    Cause(
        slug="offload-disk-folder",
        title="The model does not fit into GPU and CPU memory, so accelerate wants to spill weights to the disk",
        why="device_map='auto' fills the GPU, then the CPU, and puts the rest on the disk, for which it needs a folder. Needing the "
        "disk at all means that the model is too large for this machine in this precision.",
        signs=(
            Sign(r"`?device_map`? had weights offloaded to the disk"),
            Sign(r"provide an `?offload_folder`? for"),
            Sign(r"We need an `?offload_(?:dir|folder)`? to dispatch this model"),
            Sign(r"trying to offload the whole model to the disk"),
            Sign(r"Some modules are dispatched on the CPU or the disk"),
            Sign(r"ValueError: .{1,80}device_map.{1,80}offload_folder", FAIR),
            Sign(r"weights offloaded to the disk"),
            Sign(r"please pass along an `?offload_folder"),
            Sign(r"submodules? will be offloaded to (?:the )?disk"),
            Sign(r"offload the whole model to the disk"),
            Sign(r"(?:model|weights|modules?) .{0,60}does(?: not|n't) (?:have enough|fit).{0,80}offload_(?:folder|dir)", FAIR),
            Sign(r"some modules are (?:dispatched|offloaded) (?:on|to) the (?:CPU or the disk|disk)", FAIR, also=(r"Error",), near=400),
            Sign(r"offload_dir(?:ectory)? .{0,20}(?:must|needs to|should) be (?:specified|provided|given)", FAIR),
            Sign(r"`?disk_offload`? function instead"),
            Sign(r"`?disk`? .{0,30}in the `?device_map`?.{0,80}offload_folder", FAIR),
            ends_in("accelerate/big_modeling.py", "dispatch_model", code=r"raise ValueError"),
            Sign(r"not os\.path\.isdir\(offload_dir\)", FAIR),
        ),
        fixes=(
            Fix(
                "Make it fit into memory: load in half precision (torch_dtype=torch.float16 or bfloat16), quantized (4-bit, 8-bit on "
                "an NVIDIA GPU, GGUF on a Mac), take a smaller model, or free GPU memory.",
                code='model = AutoModelForCausalLM.from_pretrained(name, device_map="auto", torch_dtype=torch.float16)',
            ),
            Fix(
                "For slow inference only, give the folder: offload_folder='offload' (and offload_state_dict=True) in from_pretrained. "
                "Training with weights on the disk does not work.",
                code='model = AutoModelForCausalLM.from_pretrained(name, device_map="auto", offload_folder="offload")',
            ),
        ),
        examples=(
            "ValueError: The current `device_map` had weights offloaded to the disk. Please provide an `offload_folder` for them. "
            "Alternatively, make sure you have `safetensors` installed",
            "ValueError: You are trying to offload the whole model to the disk. Please use the `disk_offload` function instead.",
            "ValueError: Some modules are dispatched on the CPU or the disk. Make sure you have enough GPU RAM to fit the quantized model.",
            '  File "/opt/env/lib/python3.10/site-packages/accelerate/big_modeling.py", line 367, in dispatch_model\n    raise ValueError(',
        ),
        counterexamples=("offload_folder: ./offload (unused)",),
    ),
    Cause(
        slug="invalid-device-ordinal",
        title="The program asks for a GPU number that does not exist here ({device|see the message})",
        why="CUDA numbers only the visible GPUs, from 0. With one GPU, or with CUDA_VISIBLE_DEVICES naming one, only cuda:0 exists; a "
        "script written for a larger machine or started with "
        "more processes than GPUs asks for a number beyond.",
        signs=(
            Sign(r"(?:CUDA|HIP)\w* error: invalid device ordinal"),
            Sign(r"hipErrorInvalidDevice\b"),
            Sign(r"cuda runtime error \(10\)"),
            Sign(r"cudaErrorInvalidDevice\b"),
            Sign(r"CUDA_ERROR_INVALID_DEVICE\b"),
            Sign(r"GPU device may be out of range, do you have enough GPUs"),
            Sign(r"Invalid (?:CUDA |GPU )?device (?:id|index|ordinal)[: ]", FAIR, also=(r"Error|error",), near=200),
            Sign(r"(?:device|gpu)[ _]?(?:id|index|ordinal)?s? (?:value )?\d+ (?:is )?out of (?:range|bounds)", FAIR),
            Sign(r"You requested gpus?: ?\[[\d, ]+\] But your machine only has: ?\[", FAIR),
            Sign(
                r"device (?:id|index|ordinal)? ?(?P<device>\d+).{0,40}but (?:only|there (?:is|are) only) (?P<gpus>\d+) (?:GPUs?|devices?)",
                FAIR,
            ),
            Sign(r"CUDA(?: error)?:? ?invalid device (?:id|index)", FAIR),
            Sign(r"Attempted to (?:set|use) .{0,30}device (?P<device>\d+).{0,60}only (?P<gpus>\d+) (?:GPU|device)", FAIR),
            Sign(r"AssertionError: Invalid device id"),
            Sign(r"device >= 0 && device < num_gpus.{0,60}INTERNAL ASSERT FAILED"),
            Sign(r"The device index is out of range\. It must be in \[0, (?P<gpus>\d+)\), but got (?P<device>\d+)"),
            Sign(r"Invalid CUDA 'device=(?P<device>[\d,]+)' requested", also=(r"device_count\(\): [1-9]",)),
            Sign(r"invalid device ordinal", FAIR),
            ends_in("torch/cuda/__init__.py", "set_device", code=r"torch\._C\._cuda_setDevice\("),
            ends_in("torch/cuda/__init__.py", "get_device_properties", code=r"raise AssertionError"),
            Sign(r"THCudaCheck FAIL .{1,200}error=(?:10|101)\b", FAIR),
            Sign(r"CUDA error \((?:10|101)\)", FAIR),
            Sign(r"\berror=(?:10|101) : invalid", FAIR),
        ),
        fixes=(
            Fix(
                "Use a GPU that exists: count them with torch.cuda.device_count() and set the device to cuda:0 (or an index below the "
                "number of GPUs); with CUDA_VISIBLE_DEVICES the "
                "visible ones are numbered from 0 again.",
                commands=("nvidia-smi -L", 'python -c "import torch; print(torch.cuda.device_count())"'),
            ),
            Fix(
                "In a launched job start no more processes than GPUs: torchrun --nproc_per_node=NUMBER_OF_GPUS (accelerate: "
                "--num_processes), and check CUDA_VISIBLE_DEVICES on each node."
            ),
        ),
        examples=(
            "    torch.cuda.set_device(2)\nRuntimeError: CUDA error: invalid device ordinal\n"
            "CUDA kernel errors might be asynchronously reported at some other API call",
            "AssertionError: Invalid device id",
            "torch.AcceleratorError: CUDA error: invalid device ordinal\nGPU device may be out of range, do you have enough GPUs?",
            "RuntimeError: The device index is out of range. It must be in [0, 1), but got 1.",
            '  File "/opt/env/lib/python3.10/site-packages/torch/cuda/__init__.py", line 399, in get_device_properties\n    raise AssertionError("Invalid device id")',
        ),
        counterexamples=("RuntimeError: CUDA error: no CUDA-capable device is detected",),
    ),
)
