"""Tensors on different devices: the input or the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign

# torch names the device of the earlier arguments first and the device of the named argument second.
SAME = r"Expected all tensors to be on the same device, but found at least two devices, (?P<one>[\w:]+) and (?P<two>[\w:]+)"
CHECKED = SAME + r"! ?\(when checking ar\w+ for argument "
NEW_WORDING = r"Expected all tensors to be on the same device, but got "
GPU_FLOAT = r"(?:torch\.(?:cuda|xpu|npu|hip|mps|privateuseone)\.\w+|(?:MPS|CUDA|XPU|NPU|HIP|PrivateUse1)\w+)"
CPU_FLOAT = r"(?:torch\.[a-z]+Tensor|CPU\w+)"
OLD_GPU = r"(?:(?:device )?type (?:torch\.)?cuda\S*|backend CUDA)"
OLD_CPU = r"(?:type torch\.[a-z]+Tensor|device type cpu|backend CPU)"


def second_is_cpu(groups: Mapping[str, str], situation: Any) -> bool:
    """The named argument lies on the CPU, the tensors before it do not."""
    return groups["two"].lower() == "cpu" and groups["one"].lower() not in ("cpu", "meta")


def first_is_cpu(groups: Mapping[str, str], situation: Any) -> bool:
    """The tensors before the named argument lie on the CPU, the argument itself does not."""
    return groups["one"].lower() == "cpu" and groups["two"].lower() not in ("cpu", "meta")


def one_is_cpu(groups: Mapping[str, str], situation: Any) -> bool:
    """Exactly one of the two devices is the CPU."""
    return first_is_cpu(groups, situation) or second_is_cpu(groups, situation)


def two_accelerators(groups: Mapping[str, str], situation: Any) -> bool:
    """Neither of the two devices is the CPU (nor meta): two GPUs."""
    return not {groups["one"].lower(), groups["two"].lower()} & {"cpu", "meta"}


_LOSS = r"F\.(?:mse_loss|l1_loss|smooth_l1_loss|huber_loss|kl_div|binary_cross_entropy)\("
_MODEL_FIRST = r"(?:weight|bias|mat2|running_mean) in method wrapper_\w+"

CAUSES = (
    Cause(
        slug="input-not-on-model-device",
        title="An input tensor is not on the device of the model ({one|one device} and {two|another device} meet in one operation)",
        why="PyTorch never moves tensors between devices by itself: the weights are on the accelerator, and a tensor made by the "
        "tokenizer, "
        "the DataLoader or torch.tensor() stays where it was made, mostly on the CPU. `.to()` on a tensor returns a copy, so the "
        "result must be assigned.",
        signs=(
            Sign(CHECKED + r"index in method wrapper_\w*index_select", test=second_is_cpu),
            Sign(
                CHECKED + r"index in method wrapper_\w*index_select",
                unless=(r"device_map|accelerate[/\\]hooks|unsloth",),
                test=two_accelerators,
            ),
            Sign(CHECKED + r"mat1 in method wrapper_\w*addmm", test=second_is_cpu),
            Sign(CHECKED + r"(?:target|input) in method wrapper_\w+", test=second_is_cpu),
            Sign(CHECKED + _MODEL_FIRST, test=first_is_cpu, unless=(r"mat2 in method wrapper_\w*bmm",)),
            Sign(NEW_WORDING + r"(?:index|indices|mat1|input|target) is on cpu, different from other tensors on (?P<one>[\w:]+)"),
            Sign(NEW_WORDING + r"(?:weight|mat2|bias) is on (?!cpu)(?P<one>[\w:]+), different from other tensors on (?P<two>cpu)"),
            Sign(SAME, FAIR, also=(_LOSS,), near=500, test=one_is_cpu),
            Sign(SAME, FAIR, also=(r"(?:==|!=|-|\beq\() ?\(?(?:labels?|targets?|gts?|y|y_true|batch_y|yb)\b",), near=160, test=one_is_cpu),
            Sign(
                SAME,
                FAIR,
                also=(r"return (?:F\.embedding|torch\.embedding)\(",),
                near=700,
                unless=(r"index in method",),
                test=two_accelerators,
            ),
            Sign(r"Input type \(" + CPU_FLOAT + r"\) and (?:weight|bias) type \(" + GPU_FLOAT + r"\) should be the same"),
            Sign(r"`?input_ids`? is on (?P<one>\w+), whereas the model is on (?P<two>\w+)"),
            Sign(r"calling `?\.generate\(\)`? with the `?input_ids`? being on a device type different than your model's device"),
            Sign(r"Input, output and indices must be on the current device"),
            Sign(r"Tensor for argument #\d+ '(?:mat1|input|index|indices)' is on CPU, but expected (?:it|them) to be on GPU"),
            Sign(r"Tensor for argument (?:index|indices|input|mat1|target|self) is on cpu but expected on mps", FAIR),
            Sign(
                r"Expected object of "
                + OLD_GPU
                + r" but (?:got|found) "
                + OLD_CPU
                + r" for argument #\d+ '(?:mat1|index|indices|input|target)'"
            ),
            Sign(
                r"Expected object of "
                + OLD_GPU
                + r" but (?:got|found) "
                + OLD_CPU
                + r" for argument #1 'self' in call to _th(?:nn_|_mm\b|_bmm\b)"
            ),
            Sign(r"Expected object of " + OLD_CPU + r" but (?:got|found) " + OLD_GPU + r" for argument #\d+ '(?:mat2|weight)'"),
            Sign(r"input tensor at (?P<two>cpu) and parameter tensor at (?!cpu)(?P<one>[\w:]+)"),
            Sign(r"aten::_?slow_conv(?:2d|3d|_transpose2d)\w*' is not curr\w+ implemented for the MPS device"),
            Sign(r"slow_conv2d_forward_mps: input\(device='?cpu'?\) and weight\(device=(?P<one>mps)"),
            Sign(
                r"expected tensor to have (?:cuda DeviceType|CUDA Backend), but got tensor with (?:cpu DeviceType|CPU Backend) \(while "
                r"checking",
                FAIR,
            ),
            # machine-translated texts keep only the identifiers
            Sign(r"(?P<one>(?:cuda|mps|xpu|npu)[:：]\d+).{1,40}(?P<two>cpu)(?![a-z:]).{1,200}\bmat1\b.{0,60}wrapper_\w*addmm", FAIR),
            Sign(r"(?P<one>(?:cuda|mps|xpu|npu)[:：]\d+).{1,40}(?P<two>cpu)(?![a-z:]).{1,200}wrapper_\w*index_select", FAIR),
            Sign(r"Input tensor is not an XLA tensor"),
            Sign(r"\w+ must be (?:a |on )?CUDA (?:tensor|device)\b", FAIR, also=(r"Error",), near=120),
            Sign(r"Error: .{1,40}\(" + CPU_FLOAT + r"\).{1,30}\(" + GPU_FLOAT + r"\)", FAIR),
            Sign(r"whereas the model is on (?:cpu|cuda|mps|xpu)", FAIR),
            Sign(r"argument target in method wrapper\w{0,12}nll_loss", FAIR),
        ),
        fixes=(
            Fix(
                "Move every input to the model's device and assign the result, `input_ids = input_ids.to(model.device)`: "
                "the same for attention_mask, labels, masks and every other tensor of the batch.",
                code="input_ids = input_ids.to(model.device)  # or: inputs = tokenizer(prompt, return_tensors='pt').to(model.device)",
            ),
            Fix(
                "In a training loop move the whole batch before the forward pass; for an own nn.Module take the device from a parameter.",
                code="device = next(model.parameters()).device  # cuda:0, mps:0 or cpu\n"
                "batch = {{k: v.to(device) for k, v in batch.items()}}",
            ),
            Fix(
                "Or keep both on the CPU: where the model itself is meant to run on another device (mps, cuda), move it too with "
                "model.to(device).",
                code="model = model.to(device)",
            ),
        ),
        refines=("device-mismatch", "mps-op-not-implemented", "mps-placeholder-storage"),
        unless=(r"but got weight is on cpu, different .{0,80}nll_loss",),
        wrong_advice="Where the message proposes PYTORCH_ENABLE_MPS_FALLBACK=1 for _slow_conv2d, the switch does not help: "
        "that operator is only reached because the input is on the CPU and the weights are on mps.",
        patch="move-input",
        examples=(
            '  File "/srv/bot/answer.py", line 31, in <module>\n    out = model.generate(input_ids=input_ids, max_new_tokens=40)\n'
            "    return torch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)\n"
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
            "(when checking argument for argument index in method wrapper_CUDA__index_select)",
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
            "(when checking arugment for argument mat1 in method wrapper_addmm)",
            "RuntimeError: Expected all tensors to be on the same device, but got index is on cpu, different from other tensors on "
            "cuda:0 "
            "(when checking argument in method wrapper_CUDA__index_select)",
            "RuntimeError: Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the same or input should "
            "be a MKLDNN tensor",
            "UserWarning: You are calling .generate() with the `input_ids` being on a device type different than your model's device. "
            "`input_ids` is on cpu, whereas the model is on cuda.",
            "RuntimeError: Tensor for argument #2 'mat1' is on CPU, but expected it to be on GPU (while checking arguments for addmm)",
            "RuntimeError: Expected object of device type cuda but got device type cpu for argument #3 'index' in call to _th_index_select",
            "RuntimeError: 텐서가 cuda:0 및 cpu 두 장치에 있습니다! (method wrapper_CUDA__index_select 확인 중)",
            "RuntimeError: slow_conv2d_forward_mps: input(device='cpu') and weight(device=mps:0') must be on the same device",
        ),
        counterexamples=(
            "RuntimeError: Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same",
            "INFO: moved input_ids to cuda:0, model is on cuda:0, cpu threads 8",
        ),
    ),
    Cause(
        slug="model-left-on-cpu",
        title="The inputs are on the accelerator but the weights of the module are on the CPU",
        why="`model.to(device)` was not called, was called before this part was added, or does not reach it: modules kept in a plain "
        "Python list or dict "
        "are not registered and do not move with the model. The weights and the inputs of a layer must be on one device.",
        signs=(
            Sign(CHECKED + r"index in method wrapper_\w*index_select", test=first_is_cpu),
            Sign(CHECKED + r"mat1 in method wrapper_\w*addmm", test=first_is_cpu),
            Sign(
                CHECKED + _MODEL_FIRST,
                test=second_is_cpu,
                unless=(r"mat2 in method wrapper_\w*bmm", r"weight in method wrapper_\w*nll_loss"),
            ),
            Sign(
                NEW_WORDING + r"(?:weight|mat2|bias) is on cpu, different from other tensors on (?P<two>[\w:]+)",
                unless=(r"wrapper_\w*(?:nll_loss|bmm)",),
            ),
            Sign(NEW_WORDING + r"(?:index|mat1) is on (?!cpu)(?P<two>[\w:]+), different from other tensors on (?P<one>cpu)"),
            Sign(r"Input type \(" + GPU_FLOAT + r"\) and (?:weight|bias) type \(" + CPU_FLOAT + r"\) should be the same"),
            Sign(r"Tensor for argument #\d+ '(?:mat2|weight)' is on CPU, but expected (?:it|them) to be on GPU"),
            Sign(r"Tensor for argument #1 'self' is on CPU, Tensor for argument #2 'mat1' is on GPU"),
            Sign(r"Tensor for argument (?:weight|mat2|bias) is on cpu but expected on mps", FAIR),
            Sign(
                r"Expected object of " + OLD_GPU + r" but (?:got|found) " + OLD_CPU + r" for argument #\d+ '(?:mat2|weight)'",
                unless=(r"'weight' in call to _thnn_nll",),
            ),
            Sign(
                r"Expected object of "
                + OLD_GPU
                + r" but (?:got|found) "
                + OLD_CPU
                + r" for argument #1 'self' in call to _th_(?:index_select|addmm)"
            ),
            Sign(
                r"Expected object of " + OLD_CPU + r" but (?:got|found) " + OLD_GPU + r" for argument #\d+ '(?:mat1|index|indices|input)'"
            ),
            Sign(r"input tensor at (?!cpu)(?P<two>[\w:]+) and parameter tensor at (?P<one>cpu)"),
            Sign(
                r"expected tensor to have (?:cpu DeviceType|CPU Backend), but got tensor with (?:cuda DeviceType|CUDA Backend) \(while "
                r"checking"
            ),
            Sign(r"slow_conv2d_forward_mps: input\(device='?mps:?\d?'?\) and weight\(device='?cpu"),
            Sign(r"(?P<one>cpu)(?![a-z:]).{1,30}(?P<two>cuda[:：]\d+).{1,200}wrapper_\w*index_select", FAIR),
            Sign(NEW_WORDING + r"self is on cpu, different from other tensors on (?P<two>[\w:]+).{0,60}(?:addmm|index_select)"),
            Sign(r"Error: .{1,40}\(" + GPU_FLOAT + r"\).{1,30}\(" + CPU_FLOAT + r"\)", FAIR),
        ),
        fixes=(
            Fix(
                "Move the model to the device of the inputs before the first forward pass (and before the optimizer is built): "
                "`model.to(device)`.",
                code='device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nmodel = model.to(device)\n'
                "inputs = inputs.to(device)",
            ),
            Fix(
                "Hold sub-modules in nn.ModuleList or nn.ModuleDict, not in a plain Python list or dict, so that .to(device) and "
                ".cuda() reach them."
            ),
            Fix("Or leave everything on the CPU: move the inputs to the model instead, `x = x.to(next(model.parameters()).device)`."),
        ),
        refines=("device-mismatch", "mps-placeholder-storage"),
        patch="move-model",
        examples=(
            "RuntimeError: Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same",
            "RuntimeError: Input type (MPSFloatType) and weight type (torch.FloatTensor) should be the same or input should be a "
            "MKLDNN tensor and weight is a dense tensor",
            "    return F.layer_norm(\nRuntimeError: Expected all tensors to be on the same device, but found at least two devices, "
            "cuda:0 and cpu! "
            "(when checking argument for argument weight in method wrapper_CUDA__native_layer_norm)",
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cpu and cuda:0! "
            "(when checking argument for argument index in method wrapper__index_select)",
            "RuntimeError: Expected object of backend CPU but got backend CUDA for argument #4 'mat1'",
            "ValueError: Input and parameter tensors are not at the same device, found input tensor at cuda:0 and parameter tensor at cpu",
        ),
        counterexamples=("RuntimeError: Input type (torch.cuda.HalfTensor) and weight type (torch.cuda.FloatTensor) should be the same",),
    ),
)
