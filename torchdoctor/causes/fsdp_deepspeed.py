"""FSDP and DeepSpeed: sharded parameters, batch sizes, nodes."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="fsdp-mixed-dtype-flatten",
        title="One FSDP unit holds parameters of several dtypes ({one|torch.bfloat16} and {two|torch.float32})",
        why="FSDP flattens all parameters of a wrapped unit into one tensor, so they need one dtype. LoRA or norm layers in float32 next "
        "to bf16 weights, or weights quantised with another storage dtype, break that.",
        signs=(
            Sign(r"Must flatten tensors with (?:the same|uniform) dtype but got (?P<one>torch\.\w+) and (?P<two>torch\.\w+)"),
            Sign(r"Must flatten tensors with (?:the same|uniform) dtype"),
            Sign(r"_validate_tensors_to_flatten.{0,200}ValueError", FAIR, unless=(r"requires_grad", r"same device")),
            Sign(r"FSDP2? expects uniform (?:original )?(?:parameter )?dtype but got (?P<one>\{?torch\.\w+)"),
            Sign(r"Cannot flatten integer dtype tensors"),
            Sign(r"FlatParameter requires uniform dtype"),
            ends_in("fsdp/flat_param.py", "_validate_tensors_to_flatten"),
            ends_in("fsdp/_flat_param.py", "_validate_tensors_to_flatten"),
            Sign(r"expects uniform original parameter dtype but got"),
        ),
        fixes=(
            Fix(
                do="Cast the whole model to one dtype before wrapping, for example model.to(torch.bfloat16) (load it with "
                "torch_dtype=torch.bfloat16, and cast the LoRA adapters too).",
                code="model = model.to(torch.bfloat16)  # before FSDP / trainer.train()",
            ),
            Fix(
                do="With 4-bit quantisation set bnb_4bit_quant_storage to the same dtype as torch_dtype (bfloat16); keep "
                "FSDP_CPU_RAM_EFFICIENT_LOADING from leaving some ranks in float32 (load in the same dtype on every rank)."
            ),
        ),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "ValueError: Must flatten tensors with uniform dtype but got torch.float16 and torch.float32",
            "AssertionError: FSDP expects uniform original parameter dtype but got {torch.bfloat16, torch.float32}",
            "ValueError: FlatParameter requires uniform dtype but got torch.bfloat16 and torch.float32",
        ),
        counterexamples=("RuntimeError: expected m1 and m2 to have the same dtype, but got: float != c10::Half",),
    ),
    Cause(
        slug="fsdp-requires-grad-mixed",
        title="One FSDP unit mixes frozen and trainable parameters",
        why="With use_orig_params=False the flattened parameter is either trainable or not, so all parameters of a unit need the same "
        "requires_grad. LoRA and partly frozen models mix them.",
        signs=(
            Sign(r"Must flatten tensors with uniform .{0,3}requires_grad"),
            Sign(r"uniform .{0,3}requires_grad"),
        ),
        fixes=(
            Fix(
                do="Wrap with use_orig_params=True (accelerate: fsdp_use_orig_params: true), or with a wrap policy that puts frozen and "
                "trainable modules into different units (peft: fsdp_auto_wrap_policy(model)).",
                code="model = FSDP(model, use_orig_params=True)",
            ),
        ),
        examples=("ValueError: Must flatten tensors with uniform `requires_grad` when `use_orig_params=False`",),
        counterexamples=("ValueError: Must flatten tensors with uniform dtype but got torch.float16 and torch.float32",),
    ),
    Cause(
        slug="fsdp-mixed-device-flatten",
        title="One FSDP unit holds parameters on different devices",
        why="All parameters of a unit are flattened into one tensor, so they have to be on the same device before wrapping.",
        signs=(Sign(r"Must flatten tensors on the same device but got both (?P<one>\S{1,20}) and (?P<two>\S{1,20})"),),
        fixes=(
            Fix(
                do="Move the whole model to one device first (CPU, or model.to(local_rank)), give FSDP "
                "device_id=torch.cuda.current_device(), and load it without device_map.",
                code="model = FSDP(model.to(local_rank), device_id=local_rank)",
            ),
        ),
        examples=("ValueError: Must flatten tensors on the same device but got both cpu and cuda:0",),
        counterexamples=("RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",),
    ),
    Cause(
        slug="dtensor-mixed-with-tensor",
        title="Plain tensors and DTensors were mixed in one operation",
        why="Parameters sharded by fully_shard (FSDP2) or tensor parallelism are DTensors. An operation with a plain tensor or an "
        "unsharded parameter cannot know how that one is distributed.",
        signs=(Sign(r"got mixed torch\.Tensor and DTensor"),),
        fixes=(
            Fix(
                do="Call the wrapped module's forward instead of using its weights directly, shard the whole model with fully_shard, or "
                "convert: distribute_tensor(t, mesh, placements) or param.full_tensor().",
                code="weight = param.full_tensor() if isinstance(param, DTensor) else param",
            ),
        ),
        examples=(
            "RuntimeError: aten.mm.default: got mixed torch.Tensor and DTensor, need to convert all torch.Tensor to DTensor before "
            "calling distributed operators!",
        ),
        counterexamples=("RuntimeError: Expected all tensors to be on the same device",),
    ),
    Cause(
        slug="deepspeed-batch-world-size",
        title="DeepSpeed's train_batch_size ({total|as configured}) is not micro batch x accumulation x world size ({sum|as started})",
        why="The three numbers have to satisfy train_batch_size = train_micro_batch_size_per_gpu x gradient_accumulation_steps x world "
        "size. If the world size counts 1 although several processes run, the configuration was checked before the process group "
        "existed.",
        signs=(
            Sign(
                r"train_batch_size is not equal to micro_batch_per_gpu \* gradient_acc_step \* world_size (?P<total>\d+) != (?P<sum>\d+ "
                r"\* \d+ \* \d+)"
            ),
            Sign(r"Check batch related parameters"),
            Sign(r"(?:Train|Micro) batch size(?: per gpu)?: \S{1,12} has to be greater than 0"),
            Sign(r"Gradient accumulation steps: \S{1,12} has to be greater than 0"),
            Sign(r"Either train_batch_size or train_micro_batch_size_per_gpu needs to be provided"),
            Sign(r"[Mm]icro-?[Bb]atch.{0,40}divisible by .{0,40}(?:world size|data parallel)", FAIR),
            ends_in("deepspeed/runtime/config.py", "_batch_assertion"),
            Sign(r"global[ _]batch[ _]size \(?\d+\)? (?:is not|must be) divisible by .{0,120}data parallel"),
        ),
        fixes=(
            Fix(
                do='Set train_batch_size, train_micro_batch_size_per_gpu and gradient_accumulation_steps to "auto" (Trainer, accelerate), '
                "or give numbers whose product fits the number of processes that really run.",
                code='{{"train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto"}}',
            ),
            Fix(
                do="If world_size is 1 in the message although more processes run, initialise the distributed environment before the "
                "config is read (deepspeed.init_distributed(), or TrainingArguments before the model), start with the deepspeed or "
                "torchrun launcher, and upgrade deepspeed and accelerate to versions that fit.",
                commands=("deepspeed --num_gpus=8 train.py --deepspeed ds_config.json",),
            ),
        ),
        examples=(
            "AssertionError: Check batch related parameters. train_batch_size is not equal to micro_batch_per_gpu * gradient_acc_step * "
            "world_size 64 != 2 * 4 * 1",
            "AssertionError: Train batch size: 0 has to be greater than 0",
            "AssertionError: global batch size (24) is not divisible by micro batch size (4) times data parallel size (8)",
        ),
        counterexamples=("ValueError: Expected input batch_size (32) to match target batch_size (16).",),
    ),
    Cause(
        slug="deepspeed-config-arguments-differ",
        title="The DeepSpeed config and the Trainer's arguments contradict each other",
        why="Values that both places set must agree. The Trainer compares them and stops.",
        signs=(
            Sign(r"correct the following DeepSpeed config values that mismatch TrainingArguments values"),
            Sign(r"easiest method is to set these DeepSpeed config values to"),
        ),
        fixes=(
            Fix(
                do='Write "auto" in the DeepSpeed config for the values that the Trainer sets (batch sizes, learning rate, scheduler '
                "steps, fp16/bf16), or make both equal.",
                code='{{"train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto"}}',
            ),
        ),
        examples=(
            "ValueError: Please correct the following DeepSpeed config values that mismatch TrainingArguments values:\n- ds "
            "train_micro_batch_size_per_gpu=4 vs hf per_device_train_batch_size=8",
        ),
        counterexamples=("ValueError: Please provide a DeepSpeed config",),
    ),
    Cause(
        slug="deepspeed-node-env-mismatch",
        title="The launcher's command does not exist in the same place on node {node|of the job}",
        why="The multi-node launchers (pdsh, mpirun) run the same command, with the same paths, on every node. The working directory, the "
        "Python interpreter or the environment is missing there.",
        signs=(
            Sign(r"(?P<node>[\w.-]{1,80}): (?:bash|sh|zsh): (?:line \d+: )?(?:cd: )?(?P<path>/\S{1,160}): No such file or directory"),
            Sign(r"bash: line \d+: (?:cd: )?(?P<path>/\S{1,160}): No such file or directory", FAIR, also=(r"pdsh|deepspeed|hostfile",)),
            Sign(r"(?P<node>[\w.-]{1,80}): .{0,200}No module named", FAIR, also=(r"pdsh@",)),
            Sign(r"(?P<node>[\w.-]{1,80}): .{0,200}command not found", FAIR, also=(r"pdsh@",)),
            Sign(r"pdsh@\S{1,80}: (?P<node>\S{1,80}): ssh exited with exit code (?:1|2|126|127)\b", WEAK),
        ),
        fixes=(
            Fix(
                do="Put code, data and Python environment at the same path on all nodes: a shared file system, or the same container "
                "image on every node; check with ssh NODE ls PATH.",
                commands=("ssh {node|NODE} ls -d {path|/path/to/env}",),
            ),
            Fix(
                do="Environment variables are not passed on by themselves: list them in ~/.deepspeed_env, and use the same conda "
                "environment name and Python version on each node."
            ),
        ),
        examples=(
            "192.168.4.7: bash: line 1: cd: /srv/exp/run7: No such file or directory\n192.168.4.7: bash: /opt/conda/envs/ds/bin/python: "
            "No such file or directory",
        ),
        counterexamples=(
            "bash: ./train.sh: No such file or directory",
            "FileNotFoundError: [Errno 2] No such file or directory: '/data/train.json'",
        ),
    ),
)
