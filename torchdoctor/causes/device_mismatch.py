"""Tensors on different devices, where nothing tells which of them is in the wrong place."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.causes.device_placement import NEW_WORDING, SAME

CAUSES = (
    Cause(
        slug="device-mismatch",
        title="One operation got tensors of different devices ({one|one device} and {two|another})",
        why="All tensors of one operation must be on one device and PyTorch does not move them by itself. The text does not show which "
        "of them is "
        "the stray one: an input that was not moved, a model that was not moved, a tensor created in forward without device=, or (with "
        "several GPUs) "
        "a model split by device_map while the input stays on another rank's GPU.",
        signs=(
            Sign(SAME, unless=(r"found at least two devices, meta",), near=60),
            Sign(NEW_WORDING + r"\w+ is on (?P<one>[\w:]+), different from other tensors on (?P<two>(?!meta)[\w:]+)"),
            Sign(r"expected device (?P<one>\w+(?::\d+)?) but got device (?P<two>\w+(?::\d+)?)"),
            Sign(r"Expected object of (?:device type|backend) (?P<one>\w+) but got (?:device type|backend) (?P<two>\w+) for argument"),
            Sign(r"Expected object of type torch\.(?:cuda\.)?\w+ but found type torch ?\.cuda\.\w+ for argument", FAIR),
            Sign(r"Expected object of type torch\.cuda\.\w+ but found type torch ?\.[a-zA-Z]+Tensor for argument"),
            Sign(r"Tensor for .{0,60}is on CPU, but expected (?:it|them) to be on GPU"),
            Sign(r"Tensor for argument .{1,40} is on (?P<two>\w+) but expected on (?P<one>mps)"),
            Sign(r"all input tensors must be on the same device\. Received (?P<one>[\w:]+) and (?P<two>[\w:]+)"),
            Sign(r"Expected condition, x and y to be on the same device"),
            Sign(r"expected self and mask to be on the same device"),
            Sign(r"Expected query, key, and value to have the same device type"),
            Sign(r"arguments are located on different GPUs"),
            Sign(r"to have the same device as tensor for argument #\d+ '\w+'; but device (?P<one>\d+) does not equal (?P<two>\d+)"),
            Sign(r"weight is on (?P<two>\w+) but input is on (?P<one>\w+)", FAIR),
            Sign(r"(?:tensors?|inputs?) (?:should|must) (?:all )?be (?:on|in) the same (?:GPU|device)\b", FAIR),
            Sign(r"(?P<one>(?:cuda|mps|xpu|npu)[:：]\d+).{1,40}(?P<two>cpu)(?![a-z:]).{1,200}wrapper_(?:CUDA|XPU|NPU|MPS)_\w+", FAIR),
            Sign(r"cannot be accessed from Triton \(cpu tensor\?\)"),
            Sign(r"(?:expected|must|should) (?:\w+ ){0,5}on (?:the )?same (?:device|GPU)\b", FAIR, also=(r"Error",), near=200),
            Sign(r"expected backend (?P<one>\w+) and dtype \w+ but got backend (?P<two>\w+)"),
            Sign(
                r"(?:tensors?|inputs?|outputs?|source) (?:are |is )?(?:located |placed )?(?:to be |expected to be )?(?:on|in) (?:the )?same device\b",
                FAIR,
            ),
            Sign(r"need to be on the same GPU, but found some tensors to not be on a GPU", unless=(r"device\(type='meta'\)",)),
            Sign(r"(?:must|should) have (?:the )?same device(?: type)?\b", FAIR, also=(r"Error",), near=200),
            Sign(r"(?:tensors are|Some of .{1,40} are located) on different (?:GPUs|devices)"),
            Sign(r"\.is_cuda\(\) (?:INTERNAL )?ASSERT FAILED"),
            Sign(r"\bexpected CPU \(got CUDA\)"),
            Sign(r"\bexpected (?:type )?torch\.cuda\.\w+Tensor (?:but got|\(got) torch\.[A-Z]\w+Tensor"),
            Sign(r"\bexpected (?:type )?torch\.[A-Z]\w+Tensor (?:but got|\(got) torch\.cuda\.\w+Tensor"),
            # torch before 0.4: the types of the arguments in a row
            Sign(r"combination of arguments - got \((?=[^)]{0,400}torch\.cuda\.)(?=[^)]{0,400}torch\.[A-Z]\w+Tensor)", FAIR),
            Sign(r"'lengths' argument should be a 1D CPU int64 tensor"),
            Sign(
                r"\b(?:query|key|value|input|weight|mask|target|tensor|q|k|v) is on (?P<two>cpu),? .{0,30}expected .{0,20}(?P<one>cuda)\b",
                FAIR,
            ),
            Sign(r"device=cpu \(supported: \{'cuda'", FAIR),
            Sign(r"different from other tensors on (?:cpu|cuda|mps|xpu)", FAIR),
            Sign(r"found at least two devices", FAIR),
            Sign(r"but got backend (?:CPU|CUDA) for\b", FAIR),
        ),
        fixes=(
            Fix(
                "Bring everything to one device: model.to(device), every input x = x.to(device), and create new tensors with "
                "device=x.device. "
                "Print the .device of each operand of the failing line to see which one was left behind.",
                code="device = next(model.parameters()).device\nx = x.to(device)                        # assign the result\n"
                "mask = torch.ones(n, device=x.device)   # not torch.ones(n)",
            ),
            Fix("Constants that belong to a module: self.register_buffer('name', tensor), so that model.to(device) and .cuda() move them."),
            Fix(
                "With several GPUs: in a job of several ranks do not use device_map='auto' (each rank loads the whole model on its own "
                "GPU, device_map={{'': local_rank}}), "
                "or let one process see one GPU with CUDA_VISIBLE_DEVICES=0."
            ),
            Fix("If it began after resuming: load the optimizer's state after model.to(device), or move its state tensors there too."),
        ),
        examples=(
            "    tm = tm + causal\nRuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 "
            "and cpu!",
            "RuntimeError: expected device cuda:0 but got device cpu",
            "RuntimeError: torch.cat(): all input tensors must be on the same device. Received cuda:0 and cpu",
            "RuntimeError: X1 and X2 must have the same device type. X1: cuda X2: cpu",
            "RuntimeError: Some of weight/gradient/input tensors are located on different GPUs. Please move them to a single one.",
            "RuntimeError: iter.device(arg).is_cuda() INTERNAL ASSERT FAILED at /pytorch/aten/src/ATen/native/cuda/Loops.cuh:197",
            "TypeError: torch.addmm received an invalid combination of arguments - got (int, torch.cuda.FloatTensor, int, "
            "torch.FloatTensor, torch.cuda.FloatTensor, out=torch.cuda.FloatTensor), but expected one of",
            "RuntimeError: 'lengths' argument should be a 1D CPU int64 tensor, but got 1D cuda:0 Long tensor",
            "RuntimeError: Expected condition, x and y to be on the same device, but condition is on cuda:0 and x and y are on cpu and "
            "cuda:0 respectively",
        ),
        counterexamples=(
            "Expected all tensors to have the same number of dimensions",
            "TypeError: add() received an invalid combination of arguments - got (str), but expected one of: (Tensor other)",
        ),
    ),
)
