"""Tasks and GPUs as Slurm hands them out."""

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
        slug="slurm-task-placement",
        title="Several launchers of one job run on the same node",
        why="Each launcher believes to be a node of its own, so global ranks {a|0} and {b|4} both took local rank {local|0} on host "
        "{host|the same host}: two processes for each GPU there, and a node without any.",
        signs=(
            Sign(_SAME_HOST, test=_two_ranks),
            Sign(r"Duplicate GPU detected", FAIR, also=(r"srun .{0,300}torchrun",)),
            Sign(r"WORLD INFO DICT: .{0,200}WORLD INFO DICT: ", FAIR, also=(r"srun", r"Address already in use|EADDRINUSE|errno: 98")),
            Sign(
                r"tasks-per-node[= ](?:[2-9]|[1-9]\d)\b.{0,400}?\b(?:torchrun|deepspeed|accelerate launch|torch\.distributed\.(?:run|launch))\b",
                also=(r"Address already in use|EADDRINUSE|errno: 98|Duplicate GPU|worker_count|num_workers_joined",),
            ),
        ),
        fixes=(
            Fix(
                do="Start one launcher per node: one task per node for srun (--ntasks-per-node=1), and check that the tasks do not land on the same host. Or keep one task per GPU and start plain python in each, without torchrun or deepspeed.",
                commands=("srun --nodes=2 --ntasks-per-node=1 torchrun --nnodes=2 --nproc_per_node=4 train.py",),
            ),
            Fix(
                do="Look with nvidia-smi for the other process on the same node and GPU; each node must get its own --node_rank and only "
                "one torchrun."
            ),
        ),
        explains=(
            "cuda-oom",
            "cuda-oom-other-process",
            "cuda-oom-at-load",
            "duplicate-gpu",
            "rendezvous-timeout",
            "master-port-in-use",
        ),
        examples=(
            "[0]:\n  time      : 2024-02-02_10:00:01\n  host      : n12.hpc\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: "
            "100)\ntrain.py FAILED\n[0]:\n  time      : 2024-02-02_10:00:05\n  host      : n12.hpc\n  rank      : 8 (local_rank: 0)\n  "
            "exitcode  : 1 (pid: 220)",
            "srun --nodes=1 --ntasks-per-node=8 torchrun --nproc_per_node=8 fit.py\nRuntimeError: The server socket has failed to listen on any local network address. The server socket has failed to bind to [::]:29500 (errno: 98 - Address already in use).",
        ),
        counterexamples=(
            "[0]:\n  host      : n12.hpc\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: 100)\n[1]:\n  host      : n13.hpc\n  "
            "rank      : 8 (local_rank: 0)",
            "[0]:\n  host      : n12.hpc\n  rank      : 1 (local_rank: 1)\n  exitcode  : 1 (pid: 100)\nRoot Cause:\n[0]:\n  host      : "
            "n12.hpc\n  rank      : 1 (local_rank: 1)",
            "srun --nodes=2 --ntasks-per-node=1 torchrun --nproc_per_node=8 fit.py\nRuntimeError: Address already in use",
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
            Sign(
                r"You requested (?P<devices>\d+) GPUs? but launched (?P<tasks>\d+) slurm tasks",
                test=lambda groups, _: groups["devices"] != groups["tasks"],
            ),
            Sign(r"Unable to create step for job \d+: More processors requested than permitted", FAIR),
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
            "UserWarning: You requested 8 GPUs but launched 1 slurm tasks.\nWe will launch 8 processes for you.\nWe recommend you let slurm manage the processes by setting: --ntasks-per-node=8",
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
)
