"""Which process gets which GPU: local ranks, duplicates, slots."""

from __future__ import annotations

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign

_ORDINAL = r"invalid device ordinal"
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
            Sign(
                r"AssertionError: Invalid device id",
                FAIR,
                also=(r"torchrun|torch\.distributed\.(?:launch|run)|local_rank|deepspeed|accelerate launch|DistributedDataParallel",),
            ),
            Sign(r"local rank \d+ is out of bounds"),
            Sign(r"insufficient CUDA devices for DDP"),
            Sign(r"assert .{0,40}local_rank.{0,30}device_count\(\).{0,200}AssertionError", FAIR),
            Sign(r"assert torch\.cuda\.device_count\(\) > .{0,20}local_rank.{0,200}AssertionError", FAIR),
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
            "AssertionError: insufficient CUDA devices for DDP command",
            "AssertionError: DP adjusted local rank 4 is out of bounds.",
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
