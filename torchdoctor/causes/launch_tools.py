"""Launchers and wrappers themselves: missing, refused, or asked for what they cannot do."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="torchrun-not-found",
        title="torchrun is not on the PATH, or this torch is too old to have it",
        why="torchrun comes with torch 1.10 and newer and lies in the bin folder of the environment. The environment is not activated, or "
        "torch is older.",
        signs=(
            Sign(r"torchrun: (?:command )?not found"),
            Sign(r"['\"]?torchrun['\"]? is not recognized as an internal or external command"),
            Sign(r"The term ['\"]torchrun['\"] is not recognized"),
            Sign(r"No module named ['\"]?torch\.distributed\.run\b"),
            Sign(r"execve\(\): torchrun: No such file or directory"),
            Sign(r"command not found: torchrun"),
            Sign(r"No such file or directory: ['\"]torchrun['\"]"),
            Sign(r"Failed to spawn: .?torchrun"),
            Sign(r"torchrun['\"]?: executable file not found"),
            Sign(r"Unknown command:? ['\"]?torchrun"),
            Sign(r"Command ['\"]torchrun['\"] not found"),
            Sign(r"torchrun['’\"]?: (?:No such file or directory|cannot execute: required file not found|bad interpreter)"),
        ),
        fixes=(
            Fix(
                do="Activate the environment that has torch, or call the launcher through its Python: python -m torch.distributed.run "
                "(torch 1.9 and newer; older: python -m torch.distributed.launch --use_env).",
                commands=("python -m torch.distributed.run --nproc_per_node=2 train.py",),
            ),
            Fix(do="With torch older than 1.9, upgrade it.", commands=("pip install --upgrade torch",)),
        ),
        examples=(
            "bash: torchrun: command not found",
            "/usr/bin/python3: No module named torch.distributed.run",
            "zsh: command not found: torchrun",
            "FileNotFoundError: [Errno 2] No such file or directory: 'torchrun'",
            "/usr/bin/env: 'torchrun': No such file or directory",
            'exec: "torchrun": executable file not found in $PATH: unknown',
        ),
        counterexamples=("FileNotFoundError: [Errno 2] No such file or directory: 'train.py'",),
    ),
    Cause(
        slug="deepspeed-without-launcher",
        title="A DeepSpeed script was started without a launcher, so DeepSpeed looked for MPI",
        why="Without RANK, WORLD_SIZE and LOCAL_RANK in the environment DeepSpeed assumes an MPI job and imports mpi4py, which is not "
        "installed. Installing mpi4py would only hide that the launcher is missing.",
        signs=(
            Sign(r"attempting to detect MPI environment.{0,2000}No module named ['\"]mpi4py"),
            Sign(r"mpi_discovery.{0,300}mpi4py"),
            Sign(r"deepspeed.{0,2000}No module named ['\"]mpi4py['\"]", FAIR),
            Sign(r"cannot load MPI library", FAIR, also=(r"deepspeed|mpi_discovery|detect MPI",)),
        ),
        fixes=(
            Fix(
                do="Start the script with a launcher that sets RANK, LOCAL_RANK and WORLD_SIZE: deepspeed, torchrun, or accelerate launch "
                "--use_deepspeed.",
                commands=(
                    "deepspeed --num_gpus=1 train.py",
                    "torchrun --nproc_per_node=1 train.py",
                    "accelerate launch --use_deepspeed train.py",
                ),
            ),
            Fix(
                do="In a notebook set the environment variables RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT for one process "
                "before deepspeed is used."
            ),
        ),
        explains=("dist-env-missing",),
        examples=(
            "[INFO] [comm.py:637:init_distributed] Not using the DeepSpeed or dist launchers, attempting to detect MPI "
            "environment...\nTraceback (most recent call last):\nModuleNotFoundError: No module named 'mpi4py'",
        ),
        counterexamples=("ModuleNotFoundError: No module named 'mpi4py.futures.extra'",),
    ),
    Cause(
        slug="ddp-in-notebook",
        title="This strategy cannot start its processes from a notebook",
        why="Strategies that start new processes from the script (ddp, fsdp, spawn) need a script to start. In an interactive session "
        "only forking strategies work.",
        signs=(
            Sign(r"is not compatible with an interactive environment"),
            Sign(r"Run your code as a script, or choose (?:one of the compatible strategies|a notebook-compatible strategy)"),
        ),
        fixes=(
            Fix(
                do="Run the code as a script, or use a strategy made for notebooks: Trainer(strategy='ddp_notebook'), accelerate's "
                "notebook_launcher, or a single device.",
                code='trainer = Trainer(accelerator="gpu", devices=2, strategy="ddp_notebook")',
            ),
        ),
        examples=(
            "MisconfigurationException: `Trainer(strategy='ddp')` is not compatible with an interactive environment. Run your code as a "
            "script, or choose one of the compatible strategies: ...",
        ),
        counterexamples=("WARNING: interactive environment detected",),
    ),
    Cause(
        slug="mpi-not-enough-slots",
        title="mpirun was asked for more processes than there are slots",
        why="Open MPI counts slots from the host file, the scheduler or the cores, and refuses more processes than that.",
        signs=(
            Sign(r"not enough slots available in the system to satisfy the (?P<count>\d+)"),
            Sign(r"All nodes which are allocated for this job are already filled"),
            Sign(r"binding more processes than cpus on a resource"),
        ),
        fixes=(
            Fix(
                do="Give the hosts slots for all GPUs (-H node1:8,node2:8 or slots=8 in the host file), lower -np, or pass "
                "--oversubscribe when cores, not GPUs, are what is short (--bind-to none where binding to cpus is refused).",
                commands=("mpirun -np 16 -H node1:8,node2:8 python train.py",),
            ),
        ),
        examples=(
            "There are not enough slots available in the system to satisfy the 8\nslots that were requested by the application:",
            "All nodes which are allocated for this job are already filled.",
            "A request was made to bind to that would result in binding more processes than cpus on a resource:",
        ),
        counterexamples=("deepspeed slots=8",),
    ),
    Cause(
        slug="mpi-run-as-root",
        title="mpirun refuses to run as root",
        why="Open MPI stops when it is started by root, which is the usual user in containers.",
        signs=(Sign(r"(?:mpirun|mpiexec|prterun|ORTE|PRTE) has detected an attempt to run as root"),),
        fixes=(
            Fix(
                do="In a container pass --allow-run-as-root; elsewhere start it as an ordinary user.",
                commands=("mpirun --allow-run-as-root -np 2 python train.py",),
            ),
        ),
        examples=(
            "mpirun has detected an attempt to run as root.\n\nRunning as root is *strongly* discouraged as any mistake (e.g., in "
            "defining TMPDIR) or bug can",
        ),
        counterexamples=("WARNING: Running pip as the 'root' user can result in broken permissions",),
    ),
    Cause(
        slug="tensor-parallel-heads",
        title="The model's attention heads ({heads|their number}) cannot be divided among {size|so many} GPUs",
        why="Tensor parallelism gives each GPU the same number of attention heads, so the parallel size must divide their number (and "
        "that of the key/value heads or the vocabulary where the message names them).",
        signs=(
            Sign(r"[Tt]otal number of attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size \((?P<size>\d+)\)"),
            Sign(
                r"(?:num_attention_heads|num_heads|number of attention heads).{0,60}(?:must be|is not) divisible by "
                r".{0,40}(?:tensor|world|tp)"
            ),
            Sign(
                r"AssertionError: (?P<heads>\d+) is not divisible by (?P<size>\d+)",
                FAIR,
                also=(r"vllm|megatron|tensor_parallel|model_parallel|parallel_state",),
            ),
            Sign(r"num_heads.{0,3} must be divisible by .{0,3}num_shards"),
            Sign(r"total_num_(?:kv_)?heads % (?:self\.)?\w{0,30}(?:tp_size|parallel\w*|world_size) == 0.{0,120}AssertionError", FAIR),
            Sign(
                r"(?:vocab(?:ulary)?[_ ]size|hidden[_ ]size|intermediate[_ ]size|kv[_ ]heads|key_value_heads|attention heads)\b.{0,60}divisible by .{0,40}(?:tensor|tp_size|tp size|world[_ ]size|num_shards|parallel)"
            ),
            Sign(r"caused by too large tensor parallel size"),
        ),
        fixes=(
            Fix(
                do="Choose a tensor parallel size that divides the number of heads: usually 1, 2, 4 or 8 (--tensor-parallel-size 4), and "
                "use only so many GPUs (CUDA_VISIBLE_DEVICES).",
                commands=("vllm serve MODEL --tensor-parallel-size 2",),
            ),
            Fix(
                do="For another number of GPUs use pipeline parallelism, which splits layers: --pipeline-parallel-size 3 "
                "--tensor-parallel-size 1.",
                commands=("vllm serve MODEL --tensor-parallel-size 1 --pipeline-parallel-size 3",),
            ),
        ),
        examples=(
            "ValueError: Total number of attention heads (28) must be divisible by tensor parallel size (8).",
            "ValueError: `num_heads` must be divisible by `num_shards` (got `num_heads`: 71 and `num_shards`: 2)",
            "ValueError: The input size is not aligned with the quantized weight shape. This can be caused by too large tensor parallel size.",
        ),
        counterexamples=("ValueError: embed_dim must be divisible by num_heads (got `embed_dim`: 512 and `num_heads`: 7).",),
    ),
    Cause(
        slug="tensor-parallel-more-than-gpus",
        title="More GPUs were asked for than this machine or Ray cluster offers",
        why="The parallel size counts GPUs. Ray or the server sees fewer: GPUs that are hidden, used by another actor, or on nodes that "
        "did not join.",
        signs=(
            Sign(
                r"number of required (?:GPUs|\w+s) exceeds the total number of available (?:GPUs|\w+s) in the (?:placement group|cluster)"
            ),
            Sign(
                r"[Tt]ensor parallel size \((?P<size>\d+)\) (?:cannot be|is) (?:larger|greater|more) than the number of available GPUs "
                r"\((?P<have>\d+)\)"
            ),
            Sign(r"Current node has no GPU available\. current_node_resource"),
            Sign(r"Cannot provide a placement group of placement_group_specs"),
            Sign(r"No available node types can fulfill resource request \{.{0,40}GPU", FAIR),
            Sign(r"World size \(\d+\) is larger than the number of available GPUs"),
            Sign(r"sharded.{0,3} is true but only found \d+ CUDA devices"),
            Sign(r"Total available GPUs \d+(?:\.\d+)? is less than total desired GPUs"),
            Sign(r"No available node types can fulfill resource request \{.{0,80}GPU"),
            Sign(r"resource request cannot be scheduled right now: \{.{0,60}GPU", FAIR),
            Sign(r"Waiting for creating a placement group of specs for (?:[7-9]\d|\d{3,}) seconds"),
            Sign(r"Waiting for creating a placement group of specs for", FAIR),
            Sign(r"world_size \(\d+\) is less than (?:than )?max local gpu count"),
            Sign(r"Cannot provide a placement group requiring (?P<size>\d+)"),
            Sign(r"[Tt]ensor parallel size \((?P<size>\d+)\) exceeds available GPUs \((?P<have>\d+)\)"),
            Sign(r"Tensor parallel size may exceed available GPUs"),
        ),
        fixes=(
            Fix(
                do="Lower the tensor (x pipeline) parallel size to the number of free GPUs, or add GPUs: check nvidia-smi -L, "
                "CUDA_VISIBLE_DEVICES and `ray status`, and that all nodes have joined the Ray cluster.",
                commands=("ray status", "nvidia-smi -L"),
            ),
        ),
        examples=(
            "ValueError: The number of required GPUs exceeds the total number of available GPUs in the placement group.",
            "ValueError: Total available GPUs 4 is less than total desired GPUs 8",
            "RuntimeError: please ensure that world_size (4) is less than than max local gpu count (2)",
            "(autoscaler +17s) Error: No available node types can fulfill resource request {'CPU': 1.0, 'GPU': 4.0}. Add suitable node types to this cluster to resolve this issue.",
            "ValueError: `sharded` is true but only found 1 CUDA devices",
            "ValueError: Cannot provide a placement group requiring 8.0 GPUs (placement_group_specs=[{'GPU': 1.0}]) within 1800 seconds.",
            "WARNING [ray_utils.py:352] Tensor parallel size (8) exceeds available GPUs (4). This may result in Ray placement group allocation failures.",
        ),
        counterexamples=("INFO: 4 GPUs available, tensor parallel size 4",),
    ),
)
