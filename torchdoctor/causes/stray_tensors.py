"""Tensors that do not follow the model: buffers, loss weights, indices, generators, optimizer state."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.causes.device_placement import CHECKED, NEW_WORDING, OLD_CPU, OLD_GPU, SAME, one_is_cpu, two_accelerators
from torchdoctor.tracebacks import ends_in

_POSITIONS = (
    r"self\.(?:pe|pos_?enc\w*|positional_enc\w*|pos_emb\w*|position_ids|freqs_cis|inv_freq|rel_pos\w*|"
    r"relative_position_index|anchors?|causal_mask|tril)\b"
)

CAUSES = (
    Cause(
        slug="loss-weight-on-cpu",
        title="The class weights of the loss are on the CPU while the logits are on the accelerator",
        why="The weight (or pos_weight) tensor given to the loss was created on the CPU. A loss object moves its weight only when the "
        "loss itself is moved.",
        signs=(
            Sign(CHECKED + r"weight in method wrapper_\w*nll_loss\w*"),
            Sign(
                NEW_WORDING + r"(?:pos_)?weight is on (?P<one>[\w:]+), different from other tensors on "
                r"(?P<two>[\w:]+).{0,60}wrapper_\w*(?:nll_loss|cross_entropy)"
            ),
            Sign(
                r"Expected object of "
                + OLD_GPU
                + r" but (?:got|found) "
                + OLD_CPU
                + r" for argument #\d+ 'weight' in call to _thnn_nll_loss"
            ),
            Sign(
                r"Expected object of " + OLD_GPU + r" but (?:got|found) " + OLD_CPU + r" for argument #\d+ 'weight'",
                FAIR,
                also=(r"cross_entropy|nll_loss",),
            ),
            Sign(SAME, FAIR, also=(r"(?:BCEWithLogitsLoss|CrossEntropyLoss|NLLLoss)\((?:pos_)?weight ?=",), test=one_is_cpu),
            Sign(
                SAME,
                FAIR,
                also=(r"torch\._C\._nn\.(?:cross_entropy_loss|nll_loss\w*)\(.{0,40}weight",),
                near=400,
                unless=(r"argument target in method",),
                test=one_is_cpu,
            ),
            Sign(r"Cuda(?:Spatial)?ClassNLLCriterion_updateOutput received an invalid combination of arguments", FAIR),
            Sign(SAME, FAIR, also=(r"pos_weight ?= ?self\.pos_weight",), near=500, test=one_is_cpu),
        ),
        fixes=(
            Fix(
                "Move the weight of the loss to the device of the logits: weight.to(device) when it is made, or move the loss itself "
                "with criterion.to(device).",
                code="criterion = torch.nn.CrossEntropyLoss(weight=weight.to(device))   # or: criterion = criterion.to(device)",
            ),
            Fix("Inside a module keep the weight with self.register_buffer('weight', weight), so that model.to(device) moves it."),
        ),
        refines=("device-mismatch", "model-left-on-cpu", "input-not-on-model-device"),
        examples=(
            "    return torch._C._nn.cross_entropy_loss(\nRuntimeError: Expected all tensors to be on the same device, but found at "
            "least two devices, "
            "cuda:0 and cpu! (when checking argument for argument weight in method wrapper_CUDA_nll_loss_forward)",
            "RuntimeError: Expected all tensors to be on the same device, but got weight is on cpu, different from other tensors on "
            "cuda:1 "
            "(when checking argument in method wrapper_CUDA_nll_loss2d_forward)",
            "RuntimeError: Expected object of device type cuda but got device type cpu for argument #3 'weight' in call to "
            "_thnn_nll_loss_forward",
        ),
        counterexamples=(
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
            "(when checking argument for argument target in method wrapper_CUDA_nll_loss_forward)",
        ),
    ),
    Cause(
        slug="module-attribute-not-registered",
        title="A tensor that belongs to a module, or is created in its forward, stayed on another device than the module's weights",
        why="`module.to(device)` moves parameters and registered buffers only. A tensor kept as a plain attribute (self.pe = ...), a "
        "hidden state or a mask "
        "made without device=, or one hard-coded to cuda:0, stays where it was; under DataParallel every replica but the first then "
        "fails.",
        signs=(
            Sign(SAME, FAIR, also=(_POSITIONS,), near=500, unless=(r"inv_freq.{0,40}position_ids", r"state_steps"), test=one_is_cpu),
            Sign(SAME, FAIR, also=(r"in replica \d+ on device \d",), test=two_accelerators),
            Sign(NEW_WORDING, FAIR, also=(r"in replica \d+ on device \d",)),
            Sign(
                r"Input and hidden tensors are not at the same device, found input tensor at (?P<one>[\w:]+) and hidden tensor at "
                r"(?P<two>[\w:]+)"
            ),
            Sign(CHECKED + r"(?:hx|hidden|batch_first_hidden) in method wrapper_\w+"),
            Sign(CHECKED + r"window in method wrapper_\w+"),
            Sign(r"i?stft input and window must be on the same device but got self on (?P<one>[\w:]+) and window on (?P<two>[\w:]+)"),
            Sign(r"(?:hidden|cell|initial) (?:state|tensors?) .{0,30}not (?:on|at) the same device", FAIR),
            Sign(r"expected input and grid to be on same device, but input is on (?P<one>[\w:]+) and grid is on (?P<two>[\w:]+)"),
            Sign(r"expected device (?P<one>cuda:\d) but got device (?P<two>cpu)", WEAK, also=(_POSITIONS,)),
        ),
        fixes=(
            Fix(
                "Register the tensor as a buffer, self.register_buffer('pe', pe), so that model.to(device) moves it with the weights.",
                code='self.register_buffer("pe", pe, persistent=False)   # instead of: self.pe = pe',
            ),
            Fix(
                "Create tensors inside forward on the device of the input: device=x.device (hidden states, masks, arange, zeros), "
                "never a fixed .cuda().",
                code="h0 = torch.zeros(layers, x.size(0), hidden, device=x.device, dtype=x.dtype)",
            ),
        ),
        refines=("device-mismatch", "sharded-model-cross-gpu", "input-not-on-model-device"),
        examples=(
            '  File "/srv/nets/encoder.py", line 44, in forward\n    x = x + self.pe[:, : x.size(1)]\n'
            "RuntimeError: Expected all tensors to be on the same device, "
            "but found at least two devices, cuda:0 and cpu!",
            "RuntimeError: Caught RuntimeError in replica 1 on device 1.\nOriginal Traceback (most recent call last):\n"
            "RuntimeError: Expected all tensors to be on "
            "the same device, but found at least two devices, cuda:1 and cuda:0!",
            "RuntimeError: Input and hidden tensors are not at the same device, found input tensor at cuda:0 and hidden tensor at cpu",
            "RuntimeError: stft input and window must be on the same device but got self on cuda:0 and window on cpu",
        ),
        counterexamples=(
            "x = x + self.pe[:, : x.size(1)]\nRuntimeError: The size of tensor a (600) must match the size of tensor b (512)",
        ),
    ),
    Cause(
        slug="index-on-wrong-device",
        title="A tensor on {where|one device} was indexed with an index tensor on another device",
        why="Indices may be on the CPU or on the device of the tensor that they index. GPU indices into a CPU tensor (a memory bank, "
        "labels, a dataset) are refused.",
        signs=(
            Sign(r"indices should be either on cpu or on the same device as the indexed tensor \((?P<where>[\w:]+)\)"),
            Sign(r"indices should be either on (?:the )?(?:cpu|CPU) or on the same dev"),
            Sign(r"expected tensor_indices_or_sections to be on (?P<where>cpu), but it's on"),
            Sign(r"(?:put_|index_copy_|index_add_?|index_fill_|take|masked_\w+)(?:\(\))?: .{0,60}(?:in|on) (?:the )?same device"),
            Sign(r"(?:cannot|can't) index an? (?:CPU|cpu) tensor with (?:CUDA|GPU|cuda) (?:index|indices|mask)", FAIR),
            Sign(
                CHECKED + r"(?:index|indices) in method "
                r"wrapper_\w*(?:gather|scatter|index_add|index_copy|index_fill|take|index_put)\w*"
            ),
            Sign(
                NEW_WORDING + r"(?:index|indices) is on (?P<one>[\w:]+), different from other tensors on "
                r"(?P<where>[\w:]+).{0,60}(?:gather|scatter|index_(?:add|copy|fill|put))"
            ),
            Sign(r"on the same device as the indexed tensor"),
        ),
        fixes=(
            Fix(
                "Bring the index and the indexed tensor to the same device: move the index with index.cpu() (or .to(table.device)), or "
                "move the indexed tensor to the GPU.",
                code="picked = table[index.to(table.device)]   # or, for a CPU table: table[index.cpu()]",
            ),
        ),
        refines=("device-mismatch", "input-not-on-model-device", "model-left-on-cpu"),
        examples=(
            "    hard = self.queue[top_ids]\nRuntimeError: indices should be either on cpu or on the same device as the indexed tensor "
            "(cpu)",
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cuda:1! "
            "(when checking argument for argument index in method wrapper_CUDA_scatter__value)",
            "RuntimeError: take(): self, index and out expected to be in the same device, but got self.device = cpu, index.device = cuda:0",
        ),
        counterexamples=("IndexError: index 12 is out of bounds for dimension 0 with size 12",),
    ),
    Cause(
        slug="generator-device-mismatch",
        title="A random generator is on {found|another device} while the operation runs on {wanted|this one}",
        why="A torch.Generator belongs to one device. With torch.set_default_tensor_type(torch.cuda.FloatTensor) or "
        "torch.set_default_device('cuda') the DataLoader's "
        "sampler draws with a generator of the CPU on CUDA tensors, and the two do not fit.",
        signs=(
            Sign(r"Expected an? '?(?P<wanted>\w+)(?::\d+)?'? device type for generator but found '?(?P<found>\w+)"),
            Sign(r"Expected an? '?(?P<wanted>[\w:]+)'? generator device but found '?(?P<found>[\w:]+)"),
            Sign(r"Cannot generate an? (?P<wanted>\w+) tensor from a generator of type (?P<found>\w+)"),
            Sign(r"device type for generator but found", FAIR),
            Sign(r"Expected an? '?(?P<wanted>\w+)(?::\d+)?'? device type for gen", FAIR),
            Sign(r"Device type (?P<wanted>CUDA|XPU) is not supported for torch\.Generator"),
            Sign(r"Expected an? '?(?P<wanted>[\w:]+)'? generator\b.{0,20}(?:device|but)", FAIR),
            ends_in("torch/utils/data/sampler.py", "__iter__", code=r"torch\.randperm\("),
            ends_in("diffusers/utils/torch_utils.py", "randn_tensor", code=r"raise ValueError"),
            Sign(r"Cannot generate a \S+ tensor from a generator", FAIR),
            Sign(r"type for generator but found"),
            ends_in("torch/utils/data/dataset.py", "random_split", code=r"randperm\("),
        ),
        fixes=(
            Fix(
                "Give the sampler or the operation a generator of the right device: generator=torch.Generator(device=...), the same "
                "device as the tensor "
                "(for a DataLoader: of the default device).",
                code="generator = torch.Generator(device='cuda')\nloader = DataLoader(dataset, shuffle=True, generator=generator)",
            ),
            Fix(
                "Or drop the global default: remove torch.set_default_tensor_type('torch.cuda.FloatTensor') or "
                "torch.set_default_device('cuda') "
                "and move the model and each batch with .to(device)."
            ),
        ),
        refines=("device-mismatch",),
        examples=(
            "    for idx in self.sampler:\nRuntimeError: Expected a 'cuda' device type for generator but found 'cpu'",
            "ValueError: Cannot generate a cpu tensor from a generator of type cuda.",
            '  File "/opt/env/lib/python3.10/site-packages/torch/utils/data/sampler.py", line 136, in __iter__\n    for i in torch.randperm(n, generator=generator).tolist():',
            '  File "/opt/env/lib/python3.10/site-packages/torch/utils/data/dataset.py", line 479, in random_split\n    indices = randperm(sum(lengths), generator=generator).tolist()',
        ),
        counterexamples=("The passed generator was created on 'cpu' even though a tensor on cuda:0 was expected.",),
    ),
    Cause(
        slug="optimizer-state-on-cpu",
        title="The optimizer's state (moments, step) is on another device than the parameters",
        why="The optimizer was built, or its state was loaded from a checkpoint, while the model was on another device. The state "
        "tensors keep that device "
        "(or a step tensor is where this optimizer does not accept it), so optimizer.step() mixes devices.",
        signs=(
            Sign(
                CHECKED + r"(?P<state>state_steps|exp_avgs?|exp_avg_sqs?|max_exp_avg_sqs|momentum_buffer_list|grads) in method "
                r"wrapper_\w+"
            ),
            Sign(NEW_WORDING + r"(?P<state>state_steps|exp_avgs?|exp_avg_sqs?|momentum_buffer_list) is on"),
            Sign(SAME, also=(r"(?:exp_avg|exp_avg_sq|momentum_buffer|square_avg|buf)\.(?:mul_|lerp_|add_|addcmul_)\(",), near=400),
            Sign(SAME, FAIR, also=(r"torch[/\\]optim[/\\](?:adamw?|sgd|adamax|nadam|rmsprop|adagrad|_functional)\.py",), near=900),
            Sign(r"expected device [\w:]+ but got device [\w:]+", FAIR, also=(r"exp_avg\w*\.(?:mul_|add_)\(|[/\\]optim[/\\]\w+\.py",)),
            Sign(r"invalid combination of arguments - got \(.{0,20}torch\.cuda\.\w+Tensor", FAIR, also=(r"exp_avg\w*\.mul_\(",), near=400),
            Sign(r"`?state_steps`? should not be CUDA tensors"),
            Sign(r"If capturable=True, `?params`? and `?state_steps`? must be (?:CUDA|on supported)"),
            Sign(r"params, grads, exp_avgs, and exp_avg_sqs must have same dtype, device, and layout"),
            Sign(
                SAME,
                FAIR,
                also=(
                    r"[/\\](?:optimi[sz]er\w{0,12}|\w{0,24}optimi[sz]ers?|optim|adafactor|lion|prodigy)\.py\W{1,4} line \d+, in (?:step|update\w*)\b",
                ),
                near=260,
                unless=(r"in (?:backward|forward)\b",),
            ),
            Sign(
                SAME,
                FAIR,
                also=(r"[/\\](?:bitsandbytes|apex|deepspeed|transformers)[/\\].{0,40}(?:optim\w*|adam\w*)\.py\W{1,4} line",),
                near=700,
            ),
            Sign(r"Tensors of the same index must be on the same device and the same dtype except `?step`? tensors", FAIR),
            Sign(r"A tensor was not cuda\. .{0,20}multi_tensor_apply"),
            Sign(r"A tensor was not cuda", FAIR, also=(r"optim|amp|apex",)),
            Sign(r"expected backend CPU and dtype \w+ but got backend CUDA", FAIR, also=(r"exp_avg|momentum_buffer|\boptim",)),
            ends_in(
                "torch/optim/(?:_multi_tensor/)?(?:adam|adamw|nadam|radam|sgd|adagrad|rmsprop).py",
                "\\w+",
                code=r"(?:exp_avg\w*|momentum_buffer|buf|square_avg)\.(?:mul_|lerp_|add_|addcmul_)\(",
            ),
            Sign(r"\bexp_avg\w* .{0,40}\b(?:still )?(?:on|a) (?:the )?cpu\b", FAIR, unless=(r"offload",)),
            Sign(r"\bmomentum_buffer .{0,40}\b(?:still )?(?:on|a) (?:the )?cpu\b", FAIR, unless=(r"offload",)),
            Sign(r"argument state_steps in method", FAIR),
            Sign(r"\bexp_avg(?:_sq)?\.(?:mul_|lerp_)\(", FAIR, unless=(r"size of tensor|must match|out of memory",)),
            Sign(r"\bbuf\.mul_\(momentum\)", FAIR, unless=(r"size of tensor|must match|out of memory",)),
        ),
        fixes=(
            Fix(
                "Load the state of the optimizer (the optimizer state) after the model is on its device: model.to(device) first, then build the optimizer, then "
                "optimizer.load_state_dict(state); "
                "torch.load(..., map_location=device) for the checkpoint.",
                code="model.to(device)\noptimizer = torch.optim.AdamW(model.parameters(), lr=lr)\n"
                "optimizer.load_state_dict(torch.load(path, map_location=device)['optimizer'])",
            ),
            Fix(
                "Or move the state tensors of the optimizer after loading; for the step tensors of fused or capturable Adam/AdamW they "
                "must be on the GPU too.",
                code="for state in optimizer.state.values():\n    for k, v in state.items():\n        if torch.is_tensor(v):\n"
                "            state[k] = v.to(device)",
            ),
            Fix(
                "For 'capturable=False, state_steps should not be CUDA tensors': it is a fault of torch 1.12.0, upgrade torch, or set "
                "capturable=True in each param_group of the optimizer."
            ),
        ),
        refines=("device-mismatch", "sharded-model-cross-gpu", "input-not-on-model-device", "module-attribute-not-registered"),
        examples=(
            '  File "/opt/conda/lib/python3.9/site-packages/torch/optim/_functional.py", line 86, in adam\n'
            "    exp_avg.mul_(beta1).add_(grad, alpha=1 - beta1)\n"
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
            "(when checking argument for argument state_steps in method wrapper_CUDA___fused_adamw_)",
            "AssertionError: If capturable=False, state_steps should not be CUDA tensors.",
            "AssertionError: If capturable=True, params and state_steps must be CUDA tensors.",
            '  File "/opt/env/lib/python3.11/site-packages/lion_opt/optimizer.py", line 88, in step\n'
            "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
            '  File "/opt/env/lib/python3.10/site-packages/torch/optim/adam.py", line 97, in adam\n    exp_avg.mul_(beta1).add_(grad, alpha=1 - beta1)',
            "grad is on cuda while exp_avg in the optimizer is still a cpu tensor\nRuntimeError                              Traceback (most recent call last)",
            "the step fails at\n    buf.mul_(momentum).add_(d_p, alpha=1 - dampening)",
        ),
        counterexamples=(
            "optimizer.step()\nRuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",
            "optimizer states are kept on the CPU (offload)",
        ),
    ),
)
