"""DistributedDataParallel: which parameters, on which device, used how often."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="ddp-unused-parameters",
        title="Some parameters got no gradient under DistributedDataParallel",
        why="DDP waits in every backward pass for the gradient of each parameter. Parameters that took no part in the loss (an unused "
        "head or branch, an output that the loss ignores) never deliver theirs.",
        signs=(
            Sign(r"Parameter indices which did not receive grad for rank (?P<at>\d+): (?P<indices>[\d ]{1,80}\d)"),
            Sign(r"Expected to have finished reduction in the prior iteration before starting a new one"),
            Sign(r"Parameters which did not receive grad for rank (?P<at>\d+): (?P<names>[\w.]{1,100})"),
            Sign(r"your module has parameters that were not used in producing loss"),
            Sign(r"your training graph has changed in this iteration"),
            Sign(r"self\.reducer\._rebuild_buckets\(\)", FAIR, also=(r"RuntimeError",)),
            Sign(r"it looks like your LightningModule has parameters that were not used in producing the loss returned by training_step"),
            ends_in("torch/nn/parallel/distributed.py", "_pre_forward|forward", code=r"_rebuild_buckets\("),
            Sign(r"making sure all .{0,3}forward.{0,3} function outputs participate in calculating loss"),
            Sign(r"wasn['’]t able to locate the output tensors in the return value of your module"),
            Sign(r"enable unused parameter detection by passing"),
            Sign(r"which particular parameters did not receive grad"),
            Sign(r"enable unused parameter detection by .{0,6}passing"),
            Sign(r"making sure all .{0,3}forward.{0,3} function outputs participate"),
        ),
        fixes=(
            Fix(
                do="Wrap with find_unused_parameters=True (Trainer: ddp_find_unused_parameters=True; Lightning: "
                "strategy='ddp_find_unused_parameters_true'; mmcv: find_unused_parameters=True in the config).",
                code="model = DistributedDataParallel(model, device_ids=[local_rank], find_unused_parameters=True)",
            ),
            Fix(
                do="Better, where the parameters are never used: remove them or freeze them with requires_grad=False before wrapping, or "
                "let every output of forward take part in the loss. TORCH_DISTRIBUTED_DEBUG=DETAIL prints their names.",
                commands=("TORCH_DISTRIBUTED_DEBUG=DETAIL torchrun --nproc_per_node=2 train.py",),
                code="for p in model.unused_head.parameters():\n    p.requires_grad = False",
            ),
        ),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: Expected to have finished reduction in the prior iteration before starting a new one. This error indicates "
            "that your module has parameters that were not used in producing loss.",
            "Parameter indices which did not receive grad for rank 1: 12 13 14",
            "RuntimeError: Expected to have finished reduction in the prior iteration before starting a new one. This error indicates that your module has parameters that were not used in producing loss. You can enable unused parameter detection by passing the keyword argument `find_unused_parameters=True` to `torch.nn.parallel.DistributedDataParallel`, and by making sure all `forward` function outputs participate in calculating loss.",
            "If you already have done the above, then the distributed data parallel module wasn't able to locate the output tensors in the return value of your module's `forward` function.",
            "In addition, you can set the environment variable TORCH_DISTRIBUTED_DEBUG to either INFO or DETAIL to print out information about which particular parameters did not receive gradient on this rank as part of this error",
        ),
        counterexamples=(
            "UserWarning: find_unused_parameters=True was specified in DDP constructor, but did not find any unused parameters in the "
            "forward pass.",
        ),
    ),
    Cause(
        slug="ddp-marked-ready-twice",
        title="DDP saw a parameter's gradient twice in one backward pass",
        why="Reentrant gradient checkpointing, or using the same parameters several times in one backward pass, makes a parameter ready "
        "twice, which DDP cannot handle, even more so with find_unused_parameters=True.",
        signs=(
            Sign(r"Expected to mark a variable ready only once"),
            Sign(r"(?:has been|been) marked as ready twice"),
            Sign(r"would result in the same set of parameters been used by different reentrant backward passes"),
            Sign(r"DDP does not support such use cases in default"),
            Sign(r"multiple concurrent forward-backward passes"),
            Sign(r"multiple autograd engine {1,3}hooks have fired for this particular parameter"),
            Sign(r"marking a variable ready multiple times"),
            Sign(r"_set_static_graph\(\).{0,3} as a workaround"),
            Sign(r"Gradient computed twice for this partition"),
            Sign(r"The parameter \S{1,120} has already been reduced"),
        ),
        fixes=(
            Fix(
                do='Use non-reentrant checkpointing: use_reentrant=False (Trainer: gradient_checkpointing_kwargs={{"use_reentrant": '
                "False}}), and switch find_unused_parameters off (ddp_find_unused_parameters=False).",
                code='args = TrainingArguments(..., gradient_checkpointing_kwargs={{"use_reentrant": False}}, '
                "ddp_find_unused_parameters=False)",
            ),
            Fix(
                do="Or declare the graph static when it is the same in every step: DDP(..., static_graph=True) or "
                "model._set_static_graph(). Do not call the wrapped forward or backward twice per step for the same parameters.",
                code="model = DistributedDataParallel(model, device_ids=[local_rank], static_graph=True)",
            ),
        ),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: Expected to mark a variable ready only once. This error is caused by one of the following reasons: 1) Use of a "
            "module parameter outside the `forward` function.",
            "Parameter at index 31 with name blocks.3.fc.weight has been marked as ready twice. This means that multiple autograd engine "
            "hooks have fired for this particular parameter during this iteration.",
            "Please make sure model parameters are not shared across multiple concurrent forward-backward passes. or try to use _set_static_graph() as a workaround if this module graph does not change during training loop.",
            "AssertionError: The parameter 96 has already been reduced. Gradient computed twice for this partition. Multiple gradient reduction is currently not supported",
        ),
        counterexamples=("RuntimeError: Trying to backward through the graph a second time",),
    ),
    Cause(
        slug="ddp-wrapper-attribute",
        title="'{name|An attribute}' was asked from the {wrapper|DistributedDataParallel} wrapper instead of the model inside it",
        why="DistributedDataParallel and DataParallel wrap the model. They pass on only forward(); the model's own attributes and methods "
        "are in model.module.",
        signs=(
            Sign(r"['\"](?P<wrapper>\w{0,24}DataParallel|DDP|FSDP)['\"] object has no attribute ['\"](?P<name>\w+)"),
            Sign(r"['\"](?P<wrapper>\w{0,24}DataParallel)['\"] object (?:is not subscriptable|is not iterable|does not support)"),
            Sign(r"object of type ['\"](?P<wrapper>\w{0,24}DataParallel)['\"] has no len"),
            Sign(
                r"['\"](?P<wrapper>DeepSpeedEngine)['\"] object has no attribute ['\"](?P<name>generate|save_pretrained|config|model|encode\w*|get_\w+|push_to_hub)['\"]",
                FAIR,
            ),
        ),
        fixes=(
            Fix(do="Go through the wrapped model: write model.module.{name} instead of model.{name}.", code="model.module.{name}"),
            Fix(
                do="Go through .module, so that the code works wrapped and unwrapped; a method that runs the network should be called "
                "through forward() of the wrapper, else DDP does not synchronise its gradients.",
                code='raw = model.module if hasattr(model, "module") else model',
            ),
        ),
        examples=(
            "AttributeError: 'DistributedDataParallel' object has no attribute 'encode_image'",
            "torch.nn.modules.module.ModuleAttributeError: 'DataParallel' object has no attribute 'save_pretrained'",
            "TypeError: 'DataParallel' object is not subscriptable",
            "AttributeError: 'LightningDistributedDataParallel' object has no attribute 'hparams'",
            "AttributeError: 'DeepSpeedEngine' object has no attribute 'save_pretrained'",
        ),
        counterexamples=(
            "AttributeError: 'Linear' object has no attribute 'forward_train'",
            "TypeError: 'NoneType' object is not subscriptable",
        ),
    ),
    Cause(
        slug="ddp-module-on-cpu",
        title="The model is not on the GPU that was given to DDP as device_ids",
        why="With device_ids the parameters have to be on that GPU already; here they are on the CPU. For a model that stays on the CPU, "
        "device_ids must be None.",
        signs=(
            Sign(r"device_ids and output_device arguments only work with .{0,120}module parameters \{device\(type=['\"]cpu['\"]\)\}"),
            Sign(
                r"device_ids \[.{0,20}\], output_device \S{1,20}, and module parameters \{device\(type=['\"](?:cpu|mps)['\"](?:, "
                r"index=\d+)?\)\}"
            ),
            Sign(r"DistributedDataParallel['’]s input module must be on the same type of devices, but input module parameters locate in"),
            Sign(
                r"module must have its parameters and buffers on device cuda:\d+ \(device_ids\[0\]\) but found one of them on device: cpu",
                FAIR,
            ),
            Sign(r"device_ids and output_device arguments only work with single-device", FAIR),
            Sign(
                r"No backend type associated with device type cpu",
                also=(
                    r"_verify_params?_(?:shape_)?across_processes|_sync_module_states|nn[/\\]parallel[/\\]distributed\.py\W{1,4}line \d+, in __init__",
                ),
            ),
            Sign(
                r"Tensors must be CUDA and dense",
                also=(
                    r"_verify_params?_(?:shape_)?across_processes|_sync_module_states|nn[/\\]parallel[/\\]distributed\.py\W{1,4}line \d+, in __init__",
                ),
            ),
        ),
        fixes=(
            Fix(
                do="On a machine without CUDA (macOS, CPU) leave device_ids out (device_ids=None) and use the gloo backend.",
                code="model = DistributedDataParallel(model)  # no device_ids on the CPU",
                when="os=macos",
            ),
            Fix(
                do="Move the model before wrapping it: model.to(local_rank), and give device_ids=[local_rank]; on the CPU leave "
                "device_ids out (device_ids=None).",
                code="torch.cuda.set_device(local_rank)\nmodel = DistributedDataParallel(model.to(local_rank), device_ids=[local_rank])",
            ),
        ),
        examples=(
            "ValueError: DistributedDataParallel device_ids and output_device arguments only work with single-device/multiple-device GPU "
            "modules or CPU modules, but got device_ids [1], output_device 1, and module parameters {device(type='cpu')}.",
            "ValueError: DistributedDataParallel's input module must be on the same type of devices, but input module parameters locate "
            "in {'cuda', 'cpu'}.",
            '  File "/venv/lib/python3.11/site-packages/torch/distributed/utils.py", line 292, in _verify_param_shape_across_processes\n    return dist._verify_params_across_processes(process_group, tensors, logger)\nRuntimeError: No backend type associated with device type cpu',
            "AssertionError: DistributedDataParallel device_ids and output_device arguments only work with single-device CUDA modules, but got device_ids [2]",
        ),
        counterexamples=(
            "ValueError: DistributedDataParallel device_ids and output_device arguments only work with single-device/multiple-device GPU "
            "modules or CPU modules, but got device_ids [0], output_device 0, and module parameters {device(type='cuda', index=0), "
            "device(type='cuda', index=1)}.",
        ),
    ),
    Cause(
        slug="ddp-multi-device-module",
        title="A model that is spread over several GPUs was wrapped by DDP with device_ids",
        why='The parameters are on more than one device (device_map="auto", manual model parallelism), or on another than device_ids '
        "names. DDP with device_ids takes a model on one device.",
        signs=(
            Sign(r"module parameters \{device\(type=['\"]\w+['\"](?:, index=\d+)?\), device\("),
            Sign(r"module parameters \{device\(type=['\"]cuda['\"], index=(?P<at>\d+)\)\}"),
            Sign(r"device_ids can only be None or contain a single element"),
            Sign(r"DistributedDataParallel device_ids .{0,300}device\(type=['\"]meta['\"]\)"),
        ),
        fixes=(
            Fix(
                do='One device per process: load the model without device_map="auto" (or with device_map={{"": local_rank}}), move it to '
                "the rank's GPU and wrap with device_ids=[local_rank].",
                code="model = model.to(local_rank)\nmodel = DistributedDataParallel(model, device_ids=[local_rank])",
            ),
            Fix(
                do="If the model needs several GPUs, start one process without DDP (python train.py), use FSDP or DeepSpeed ZeRO-3, or "
                "wrap with device_ids=None for model parallelism inside each process."
            ),
        ),
        refines=("ddp-module-on-cpu",),
        examples=(
            "ValueError: DistributedDataParallel device_ids and output_device arguments only work with single-device/multiple-device GPU "
            "modules or CPU modules, but got device_ids [0], output_device 0, and module parameters {device(type='cuda', index=0), "
            "device(type='cuda', index=1)}.",
        ),
        counterexamples=(
            "ValueError: DistributedDataParallel device_ids and output_device arguments only work with single-device/multiple-device GPU "
            "modules or CPU modules, but got device_ids [1], output_device 1, and module parameters {device(type='cpu')}.",
        ),
    ),
    Cause(
        slug="ddp-inconsistent-params",
        title="The ranks disagree about the parameters of the model",
        why="At its start DDP compares number and shapes of the parameters on all ranks. A count of 0, or a nonsensical one, means that "
        "the other rank never delivered its numbers: it died, or NCCL moves wrong data between the GPUs (broken P2P).",
        signs=(
            Sign(
                r"DDP expects same model across all ranks, but Rank (?P<one>\d+) has (?P<mine>\d+) params, while rank (?P<other>\d+) has "
                r"inconsistent (?P<theirs>-?\d+) params"
            ),
            Sign(r"DDP expects same model across all ranks"),
            Sign(r"_verify_param(?:s|_shape)_across_processes.{0,300}(?:appears not to match|RuntimeError)", FAIR),
            Sign(r"appears not to match (?:sizes|strides) of the same param in process 0"),
            Sign(r"params\[\d+\] in this process with sizes .{0,200}appears not to match"),
            ends_in("torch/distributed/utils.py", "_verify_param_shape_across_processes"),
            Sign(r"(?:replicas\[\d+\]\[\d+\]|params\[\d+\]) in this process with (?:sizes|strides)"),
        ),
        fixes=(
            Fix(
                do="Build the same model on every rank: the same configuration, vocabulary and number of classes from the same data, the "
                "same frozen parameters, no branch on the rank. Look at rank {other|0}'s own log first: if it failed before, that "
                "error is the root.",
            ),
            Fix(
                do="If the count is 0 or nonsense although all ranks build the same model, transfers between the GPUs are broken: try "
                "NCCL_P2P_DISABLE=1.",
                commands=("NCCL_P2P_DISABLE=1 torchrun --nproc_per_node=2 train.py",),
            ),
        ),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere", "nccl-p2p-broken"),
        examples=(
            "RuntimeError: DDP expects same model across all ranks, but Rank 1 has 312 params, while rank 0 has inconsistent 310 params.",
            "RuntimeError: [1]: params[7] in this process with sizes [500, 64] appears not to match sizes of the same param in process 0.",
            "RuntimeError: replicas[0][4] in this process with sizes [91, 256, 1, 1] appears not to match sizes of the same param in process 0.",
        ),
        counterexamples=("RuntimeError: size mismatch for fc.weight: copying a param with shape torch.Size([10, 4])",),
    ),
    Cause(
        slug="ddp-no-trainable-parameters",
        title="A module without any trainable parameter was wrapped by DDP",
        why="DDP only synchronises gradients. A module whose parameters all have requires_grad=False (frozen, or LoRA adapters not "
        "enabled) has none.",
        signs=(Sign(r"DistributedDataParallel is not needed when a module doesn['’]t have any parameters that require a gradient"),),
        fixes=(
            Fix(
                do="Do not wrap frozen modules (teacher, VAE, text encoder); if it should train, unfreeze its parameters "
                "(requires_grad=True) before wrapping.",
                code="if any(p.requires_grad for p in model.parameters()):\n    model = DistributedDataParallel(model, "
                "device_ids=[local_rank])",
            ),
        ),
        examples=(
            "RuntimeError: DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient.",
        ),
        counterexamples=("RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",),
    ),
)
