"""Models split over several GPUs: device_map, DataParallel, and the parts that they forget."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.causes.device_placement import CHECKED, NEW_WORDING, SAME, first_is_cpu, one_is_cpu, two_accelerators
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="sharded-model-cross-gpu",
        title="A model split over several GPUs brings tensors of {one|one GPU} and {two|another} together in one operation",
        why="With device_map='auto' (or model parallelism) the layers are on several GPUs. accelerate moves the inputs of each hooked "
        "module, but tensors that a "
        "custom forward, a loss or a shared weight carries along keep the GPU of the layer that made them.",
        signs=(
            Sign(SAME, also=(r"device_map ?= ?[\"'](?:auto|balanced|sequential)", r"\bcuda:\d"), test=two_accelerators),
            Sign(SAME, also=(r"accelerate[/\\]hooks\.py",), test=two_accelerators),
            Sign(NEW_WORDING + r"\w+ is on (?P<one>cuda:\d+), different from other tensors on (?P<two>cuda:\d+)", FAIR),
            Sign(SAME, FAIR, unless=(r"in replica \d+ on device",), test=two_accelerators),
            Sign(r"all input tensors must be on the same device\. Received (?P<one>cuda:\d) and (?P<two>cuda:\d)", FAIR),
        ),
        fixes=(
            Fix(
                "Keep the model on one GPU where it fits: device_map={{'': 0}} (or CUDA_VISIBLE_DEVICES=0) instead of device_map='auto'.",
                code='model = AutoModelForCausalLM.from_pretrained(name, device_map={{"": 0}})',
            ),
            Fix(
                "Where it does not fit: write a device_map that keeps linked parts (embeddings and lm_head, the blocks of a shared "
                "module) on one GPU, "
                "and no_split_module_classes for blocks with residual connections."
            ),
            Fix(
                "Or move the stray tensor to the device of its consumer in the failing line: y = y.to(x.device) (the labels to "
                "logits.device before the loss)."
            ),
        ),
        refines=("device-mismatch",),
        examples=(
            'model = AutoModel.from_pretrained(path, device_map="auto", trust_remote_code=True)\n'
            '  File "/srv/hf/modeling_x.py", line 210, in forward\n'
            "    h = h + residual\nRuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:1 "
            "and cuda:0!",
        ),
        counterexamples=("RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",),
    ),
    Cause(
        slug="data-parallel-wrong-device",
        title="nn.DataParallel found the module on {found|another device} instead of {wanted|device_ids[0]}",
        why="DataParallel scatters from device_ids[0] (cuda:0 unless told otherwise) and needs all parameters and buffers there before "
        "the forward pass.",
        signs=(
            Sign(
                r"module must have its parameters and buffers on device (?P<wanted>[\w:]+) \(device_ids\[0\]\) but found one of them "
                r"on device: (?P<found>[\w:]+)"
            ),
            Sign(r"module must have its parameters and buffers on device", FAIR),
            Sign(r"Broadcast function not implemented for CPU tensors"),
            Sign(r"all tensors must be on devices\[0\]"),
            Sign(r"Gather function not implemented for CPU tensors"),
            Sign(r"but found one of them on device: (?P<found>[\w:]+)", FAIR),
        ),
        fixes=(
            Fix(
                "Put the model on device_ids[0] before wrapping it: model.to('cuda:0'), or name the GPU it is on as the first of "
                "device_ids "
                "(device_ids=[1, 0] for cuda:1), or choose the GPUs with CUDA_VISIBLE_DEVICES and use cuda:0.",
                code='model = torch.nn.DataParallel(model.to("cuda:0"), device_ids=[0, 1])',
            ),
            Fix(
                "In a job started by torchrun use only DistributedDataParallel(model, device_ids=[local_rank]) and no DataParallel "
                "inside of it."
            ),
        ),
        refines=("device-mismatch", "ddp-module-on-cpu"),
        examples=(
            "RuntimeError: module must have its parameters and buffers on device cuda:0 (device_ids[0]) but found one of them on "
            "device: cpu",
            "RuntimeError: all tensors must be on devices[0]",
        ),
        counterexamples=("DistributedDataParallel device_ids and output_device arguments only work with single-device GPU modules",),
    ),
    Cause(
        slug="device-map-missing-module",
        title="The device_map gives no device to a part of the model ({module|a module}), which stays on the CPU",
        why="A hand-written device_map must name every module. transformers 4.43 moved the rotary embedding to model.rotary_emb, so "
        "maps written for older versions leave its inv_freq on the CPU.",
        signs=(
            Sign(r"The device_map provided does not give any device for the following parameters: (?P<module>[\w.]+)"),
            Sign(r"(?P<module>[\w.]+\.[\w.]+) doesn't have any device set"),
            Sign(SAME, also=(r"inv_freq\w*(?:\.float\(\))?.{0,40}position_ids",), near=600, test=one_is_cpu),
            Sign(SAME, FAIR, also=(r"device_map ?= ?\{|device_map\[[\"']",), unless=(r"index in method wrapper",), test=one_is_cpu),
            Sign(CHECKED + r"mat2 in method wrapper_\w*bmm", FAIR, test=first_is_cpu),
            ends_in("accelerate/utils/modeling.py", "check_device_map"),
            Sign(r"found at least two devices, CPU and CUDA:\d", FAIR, also=(r"device_map\[[\"']|device_map ?= ?\{",)),
            Sign(r"device_map provided does not give any device for the following"),
        ),
        fixes=(
            Fix(
                "Add the missing module to the device_map, for example 'model.rotary_emb': 0 (its inv_freq buffer), beside "
                "model.embed_tokens, model.norm and lm_head.",
                code='device_map["model.rotary_emb"] = 0',
            ),
            Fix(
                "Or let accelerate write it: device_map='auto' with max_memory={{...}}, or infer_auto_device_map(model, "
                "no_split_module_classes=[...])."
            ),
        ),
        refines=("device-mismatch", "sharded-model-cross-gpu", "input-not-on-model-device", "model-left-on-cpu"),
        examples=(
            "    freqs = (inv_freq_expanded.float() @ position_ids_expanded.float()).transpose(1, 2)\n"
            "RuntimeError: Expected all tensors to be on the same "
            "device, but found at least two devices, cpu and cuda:0! (when checking argument for argument mat2 in method "
            "wrapper_CUDA_bmm)",
            "ValueError: The device_map provided does not give any device for the following parameters: model.rotary_emb.inv_freq",
            "ValueError: model.layers.31.norm.weight doesn't have any device set.",
        ),
        counterexamples=("device_map = {'model.embed_tokens': 0, 'lm_head': 0}",),
    ),
)
