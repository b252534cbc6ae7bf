"""Which process gets which GPU: local ranks, duplicates, Slurm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_ORDINAL = r"invalid device ordinal"
_FAILED_ON = r"host : (?P<host>\S+) rank : (?P<a>\d+) \(local_rank: (?P<local>\d+)\)"
_SAME_HOST = _FAILED_ON + r".{0,1500}host : (?P=host) rank : (?P<b>\d+) \(local_rank: (?P=local)\)"


def _two_ranks(groups: Mapping[str, str], _: Any) -> bool:
    """Two different global ranks hold the same local rank of the same host."""
    return groups["a"] != groups["b"]


def _many(groups: Mapping[str, str], _: Any) -> bool:
    """The job waits for more than one member."""
    return int(groups["world"]) > 1


def _members_missing(matches: Sequence[Mapping[str, str]], _: Any) -> bool:
    """Fewer members announced themselves than the job waits for; of a long list only the first few are looked at."""
    worlds = {int(groups["world"]) for groups in matches}
    members = {groups["member"] for groups in matches}
    return len(worlds) == 1 and len(matches) < 8 and len(members) < worlds.pop()


CAUSES = (
    Cause(
        slug="local-rank-invalid-device-ordinal",
        title="A process was started for a GPU number that is not visible to it",
        why="Each process selects the GPU of its local rank. More processes were started on this machine than torch sees GPUs there, so "
        "the highest local ranks have no device. CUDA_VISIBLE_DEVICES (or the container or Slurm) also limits what is visible.",
        signs=(
            Sign(_ORDINAL, also=(r"set_device\(.{0,60}local_?rank",)),
            Sign(_ORDINAL, also=(r"set_device\(.{0,60}(?:gpu|rank)\b",), unless=(r"args\.gpu\b", "self.gpu_id"), near=600),
            Sign(_ORDINAL, also=(r"torch\.cuda\.set_device\(self\.device\)",)),
            Sign(_ORDINAL, also=(r"accelerate/state\.py",)),
            Sign(_ORDINAL, also=(r"local_rank: \d+ \(pid",)),
            Sign(_ORDINAL, also=(r"torch\.distributed\.(?:launch|run)",)),
            Sign(_ORDINAL, also=(r"torchrun|deepspeed",)),
            Sign(_ORDINAL, also=(r"\[?rank ?[1-9]\d*\]?:",)),
            Sign(_ORDINAL, also=(r"init_process_group",)),
            Sign(r"You requested gpus?: \[(?P<wanted>[\d, ]+)\] But your machine only has: \[\d"),
            Sign(r"accelerate/state\.py.{0,300}set_device\(self\.device\).{0,200}in set_device torch\._\S{0,30}\W*$", FAIR),
            Sign(r"set_device\([^)]{0,30}local_rank[^)]{0,4}\).{0,200}in set_device torch\._\S{0,30}\W*$", FAIR),
            Sign(r"device_id (?:cuda:)?\d+ is out of range\. Please use a device index less than", STRONG),
        ),
        fixes=(
            Fix(
                do="Start at most as many processes as there are visible GPUs: --nproc_per_node (accelerate: --num_processes, DeepSpeed: "
                "--num_gpus) must not exceed the number of GPUs that torch sees.",
                commands=(
                    'python -c "import torch; print(torch.cuda.device_count())"',
                    "torchrun --standalone --nproc_per_node=gpu train.py",
                ),
            ),
            Fix(
                do="Check CUDA_VISIBLE_DEVICES: with CUDA_VISIBLE_DEVICES=2,3 the valid device numbers are 0 and 1. Unset it or list all "
                "GPUs, and use LOCAL_RANK, not the global rank, for set_device.",
                code='torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))',
            ),
            Fix(
                do="Under Slurm, --gpus-per-task shows each task only its own GPU as number 0: ask for the GPUs with --gres=gpu:N or "
                "--gpus-per-node=N instead."
            ),
        ),
        refines=("invalid-device-ordinal",),
        examples=(
            '[rank3]:   File "/srv/proj/main.py", line 40, in setup\n[rank3]:     torch.cuda.set_device(local_rank)\n'
            "[rank3]: RuntimeError: CUDA error: invalid device ordinal",
            '  File "/opt/env/lib/python3.10/site-packages/accelerate/state.py", line 290, in set_device\n    '
            "torch.cuda.set_device(self.device)\ntorch.AcceleratorError: CUDA error: invalid device ordinal",
        ),
        counterexamples=('    x = x.to("cuda:3")\nRuntimeError: CUDA error: invalid device ordinal',),
    ),
    Cause(
        slug="global-rank-as-device-index",
        title="The global rank was used as a device number, which fails on every node but the first",
        why="On the second node the ranks go on from 8 while the device numbers start at 0 again. Code that builds cuda:{{rank}} from the "
        "global rank asks for a GPU that does not exist there.",
        signs=(
            Sign(_ORDINAL, also=(r"chunk_sharding_spec\.py",)),
            Sign(_ORDINAL, also=(r"_shard_tensor|_shard/sharding_spec|sharded_tensor/",)),
            Sign(
                _ORDINAL,
                also=(r"(?:set_device|torch\.device|\.to|\.cuda)\(.{0,30}(?:get_rank\(\)|global_rank|GLOBAL_RANK|environ\[.RANK)",),
            ),
            Sign(_ORDINAL, also=(r"set_device\((?:args\.|self\.)?rank\)", r"nnodes|node_rank"), strength=FAIR),
        ),
        fixes=(
            Fix(
                do="Use the local rank for the device: LOCAL_RANK from the environment, or global rank % torch.cuda.device_count() "
                "(modulo the GPUs per node).",
                code='device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))\ntorch.cuda.set_device(device)',
            ),
            Fix(
                do="Where the frame is inside torch itself (ChunkShardingSpec, sharded optimizer state of FSDP in torch 2.0), upgrade to "
                "a newer torch, which uses the local device; or save and load the full state instead of the sharded one."
            ),
        ),
        refines=("local-rank-invalid-device-ordinal", "invalid-device-ordinal"),
        examples=(
            '  File "/opt/conda/lib/python3.10/site-packages/torch/distributed/_shard/sharding_spec/chunk_sharding_spec.py", line 170, '
            "in shard\n    local_tensor = torch.empty(\nRuntimeError: CUDA error: invalid device ordinal",
            "    torch.cuda.set_device(dist.get_rank())\nRuntimeError: CUDA error: invalid device ordinal",
        ),
        counterexamples=(
            "    torch.cuda.set_device(args.local_rank)\nRuntimeError: CUDA error: invalid device ordinal\nlocal_rank: 5 (pid: 77)",
        ),
    ),
    Cause(
        slug="duplicate-gpu",
        title="Ranks {first|A} and {second|B} use the same GPU, which NCCL does not allow",
        why="NCCL needs one GPU per rank. Here two processes selected the same device, mostly because torch.cuda.set_device(local_rank) "
        "is missing, CUDA_VISIBLE_DEVICES gives every process the same card, or more processes than GPUs were started.",
        signs=(
            Sign(r"Duplicate GPU detected ?: rank (?P<first>\d+) and rank (?P<second>\d+) both on CUDA device (?P<bus>\w+)"),
            Sign(r"Multiple Ranks are using the same GPU"),
            Sign(r"ncclInvalidUsage", FAIR, unless=(r"Last error: (?!Duplicate)\S",)),
            Sign(
                r"invalid usage(?: \(run with NCCL_DEBUG=WARN for details\))?, NCCL version", FAIR, unless=(r"Last error: (?!Duplicate)\S",)
            ),
            Sign(r"[Tt]ensors must be on distinct GPU devices", FAIR),
        ),
        fixes=(
            Fix(
                do="Give every process its own GPU: call torch.cuda.set_device(local_rank) before the first CUDA or NCCL call.",
                code='local_rank = int(os.environ["LOCAL_RANK"])\ntorch.cuda.set_device(local_rank)\ndist.init_process_group("nccl")',
            ),
            Fix(
                do="Do not start more processes than GPUs on a node: check nproc_per_node, n_gpus_per_node and nnodes (world size) "
                "against nvidia-smi -L, and that the second node's processes really run on the second node.",
                commands=("nvidia-smi -L",),
            ),
            Fix(do="To run several processes on one GPU on purpose (tests), use the gloo backend."),
        ),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "ncclInvalidUsage: This usually reflects invalid usage of NCCL library.\nLast error:\nDuplicate GPU detected : rank 3 and "
            "rank 2 both on CUDA device 4b000",
            "box:901:977 [0] init.cc:795 NCCL WARN Duplicate GPU detected : rank 0 and rank 1 both on CUDA device 1000",
        ),
        counterexamples=("Duplicate GPU names in inventory: RTX 4090 (2x)",),
    ),
    Cause(
        slug="slurm-task-placement",
        title="Several launchers of one job run on the same node",
        why="Each launcher believes to be a node of its own, so global ranks {a|0} and {b|4} both took local rank {local|0} on host "
        "{host|the same host}: two processes for each GPU there, and a node without any.",
        signs=(
            Sign(_SAME_HOST, test=_two_ranks),
            Sign(r"Duplicate GPU detected", FAIR, also=(r"srun .{0,300}torchrun",)),
        ),
        fixes=(
            Fix(
                do="Start one launcher per node: one task per node for srun, and check that the tasks do not land on the same host.",
                commands=("srun --nodes=2 --ntasks-per-node=1 torchrun --nnodes=2 --nproc_per_node=4 train.py",),
            ),
            Fix(
                do="Look with nvidia-smi for the other process on the same node and GPU; each node must get its own --node_rank and only "
                "one torchrun."
            ),
        ),
        explains=("cuda-oom", "cuda-oom-other-process", "cuda-oom-at-load", "duplicate-gpu", "rendezvous-timeout"),
        examples=(
            "[0]:\n  time      : 2024-02-02_10:00:01\n  host      : n12.hpc\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: "
            "100)\ntrain.py FAILED\n[0]:\n  time      : 2024-02-02_10:00:05\n  host      : n12.hpc\n  rank      : 8 (local_rank: 0)\n  "
            "exitcode  : 1 (pid: 220)",
        ),
        counterexamples=(
            "[0]:\n  host      : n12.hpc\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: 100)\n[1]:\n  host      : n13.hpc\n  "
            "rank      : 8 (local_rank: 0)",
            "[0]:\n  host      : n12.hpc\n  rank      : 1 (local_rank: 1)\n  exitcode  : 1 (pid: 100)\nRoot Cause:\n[0]:\n  host      : "
            "n12.hpc\n  rank      : 1 (local_rank: 1)",
        ),
    ),
    Cause(
        slug="slurm-ntasks-mismatch",
        title="The number of Slurm tasks differs from the number of processes that the trainer wants",
        why="Under Slurm the trainer takes its world size from the tasks of the job (ntasks). With another number of tasks than devices "
        "it refuses, or waits for members that never come.",
        signs=(
            Sign(r"You set `?--ntasks=(?P<tasks>\d+)`? in your SLURM bash script"),
            Sign(r"You set `?devices=(?P<devices>\d+)`? in Lightning, but the number of tasks per node configured in SLURM"),
            Sign(r"You set `?num_nodes=(?P<devices>\d+)`? in Lightning, but the number of nodes configured in SLURM"),
            Sign(r"number of tasks per node configured in SLURM `?--ntasks-per-node=(?P<tasks>\d+)"),
            Sign(
                r"GLOBAL_RANK: 0, MEMBER: 1/(?P<world>\d+)",
                also=(r"slurm|srun|sbatch",),
                unless=(r"MEMBER: 2/", "distributed processes registered", "GLOBAL_RANK: 1,"),
                test=_many,
                strength=STRONG,
            ),
            Sign(
                r"GLOBAL_RANK: 0, MEMBER: 1/(?P<world>\d+)",
                unless=(r"MEMBER: 2/", "distributed processes registered", "GLOBAL_RANK: 1,"),
                test=_many,
                strength=WEAK,
            ),
            Sign(
                r"GLOBAL_RANK: (?P<member>\d+), MEMBER: \d+/(?P<world>\d+)",
                also=(r"slurm|srun|sbatch|NODELIST",),
                unless=("distributed processes registered", r"Epoch 0\b", r"\| Name +\| Type"),
                together=_members_missing,
                strength=FAIR,
            ),
            Sign(r"The `?srun`? command is available on your system but is not used", WEAK, also=(r"CANCELLED|timed out|Timed out",)),
            ends_in("plugins/environments/slurm.py", "_validate_srun_variables|validate_settings"),
        ),
        fixes=(
            Fix(
                do="Make Slurm's tasks equal the processes: --ntasks-per-node = number of GPUs (devices) per node, --nodes = num_nodes, "
                "and give the remaining cores by --cpus-per-task; start the script with srun.",
                commands=("srun --nodes=1 --ntasks-per-node=4 --cpus-per-task=8 python train.py",),
            ),
            Fix(do="In an interactive allocation, let Lightning ignore Slurm by naming the job bash or interactive (SLURM_JOB_NAME=bash)."),
        ),
        explains=("killed-by-outer-process", "world-size-mismatch", "rendezvous-timeout"),
        examples=(
            "RuntimeError: You set `--ntasks=8` in your SLURM bash script, but this variable is not supported. HINT: Use "
            "`--ntasks-per-node=8` instead.",
            "ValueError: You set `devices=2` in Lightning, but the number of tasks per node configured in SLURM `--ntasks-per-node=1` "
            "does not match. HINT: Set `devices=1`.",
            "Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/48\nslurmstepd: error: *** JOB 7712 ON cn03 CANCELLED AT "
            "2024-05-01T09:00:00 DUE TO TIME LIMIT ***",
        ),
        counterexamples=(
            "Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/2\nInitializing distributed: GLOBAL_RANK: 1, MEMBER: 2/2\nAll "
            "distributed processes registered.",
            "Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/1\nslurmstepd: error: *** JOB 7 ON a CANCELLED ***",
        ),
    ),
    Cause(
        slug="slurm-gpu-visibility",
        title="Slurm shows each task fewer GPUs than the trainer asks for",
        why="With --gpus-per-task (or GPU binding) every task sees only its own GPU, numbered 0, while the trainer picks the device of "
        "its local rank among all GPUs of the node.",
        signs=(
            Sign(r"You requested gpus?: \[(?P<wanted>[\d, ]+)\] But your machine only has: \[[\d, ]*\]", also=(r"slurm|srun|sbatch",)),
            Sign(r"You requested gpus?: \[(?P<wanted>[\d, ]+)\] But your machine only has: \[0\]", WEAK),
            Sign(_ORDINAL, also=(r"gpus-per-task|gpu-bind|gpus_per_task",)),
            Sign(_ORDINAL, also=(r"SLURM_(?:LOCALID|PROCID|STEP|NTASKS)|slurmstepd|srun: ",), strength=WEAK),
        ),
        fixes=(
            Fix(
                do="Ask for the node's GPUs with --gres=gpu:N or --gpus-per-node=N instead of --gpus-per-task, so that every task sees "
                "all of them, and --ntasks-per-node=N.",
                commands=("srun --gres=gpu:4 --ntasks-per-node=4 python train.py",),
            ),
            Fix(do="Or keep one GPU per task and use device 0 in each: torch.cuda.set_device(0), devices=1 per task."),
        ),
        refines=("local-rank-invalid-device-ordinal", "invalid-device-ordinal"),
        examples=(
            "#SBATCH --gpus-per-task=1\nsrun python fit.py\nlightning.fabric.utilities.exceptions.MisconfigurationException: You "
            "requested gpu: [0, 1]\n But your machine only has: [0]",
        ),
        counterexamples=("MisconfigurationException: No supported gpu backend found!",),
    ),
    Cause(
        slug="deepspeed-slot-not-on-host",
        title="The DeepSpeed launcher was told to use a GPU slot that the host does not have",
        why="--include, --exclude and --num_gpus are compared with the hostfile or with the GPUs found. A slot was named that is not in "
        "that list.",
        signs=(
            Sign(r"No slot ['\"](?P<slot>\d+)['\"] specified on host ['\"](?P<host>[^'\"]{1,80})['\"]"),
            Sign(r"Hostname ['\"](?P<host>[^'\"]{1,80})['\"] not found in hostfile"),
        ),
        fixes=(
            Fix(
                do="Name existing GPU numbers in --include/--exclude (they start at 0) or change the slots of the hostfile to the number "
                "of GPUs; check CUDA_VISIBLE_DEVICES, which DeepSpeed ignores when --include is given.",
                commands=("nvidia-smi -L",),
            ),
        ),
        examples=("ValueError: No slot '3' specified on host 'localhost'",),
        counterexamples=("deepspeed_config: num_slots: 8",),
    ),
)
