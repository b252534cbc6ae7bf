"""Starting the processes: environment, arguments, world size, process groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in


def _more_joined(groups: Mapping[str, str], _: Any) -> bool:
    """More processes arrived at the store than the job was declared to have."""
    return int(groups["joined"]) > int(groups["world"])


def _upper(groups: Mapping[str, str], _: Any) -> bool:
    """The key is an environment variable, not a column or field of the same name."""
    return groups["name"].isupper()


_LAUNCH = Fix(
    do="Start the script through a launcher, which sets RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT for each process: "
    "torchrun (older: python -m torch.distributed.launch). Put the number of GPUs for --nproc_per_node, 1 for a single one.",
    commands=("torchrun --standalone --nproc_per_node=1 train.py",),
)

CAUSES = (
    Cause(
        slug="dist-env-missing",
        title="The script was started without a launcher: {name|RANK} is not in the environment",
        why="init_process_group with env:// (the default) reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT from the environment. A "
        "launcher (torchrun, accelerate launch, srun with the right exports) sets them; a plain `python script.py` does not.",
        signs=(
            Sign(r"environ(?:ment)? variable (?P<name>\w+) expected, but not set"),
            Sign(r"KeyError: ['\"](?P<name>(?:LOCAL_|NODE_|GROUP_)?RANK|(?:LOCAL_)?WORLD_SIZE|MASTER_ADDR|MASTER_PORT)['\"]", test=_upper),
            Sign(r"environ\[['\"](?P<name>(?:LOCAL_)?RANK|WORLD_SIZE|MASTER_ADDR)['\"]\].{0,400}KeyError"),
            Sign(r"(?P<name>LOCAL_RANK) is not in the environment"),
            Sign(r"KeyError: ['\"](?P<name>SLURM_(?:PROCID|NTASKS|LOCALID|NODELIST))['\"]"),
            Sign(r"KeyError: ['\"](?P<name>OMPI_COMM_WORLD_\w+)['\"]"),
            Sign(r"_env_rendezvous_handler raise _env_error\(['\"](?P<name>\w+)['\"]\)", FAIR),
            ends_in("torch/distributed/rendezvous.py", "_env_error|_get_env_or_raise"),
            Sign(
                r"int\(\) argument must be a string.{0,80}not ['\"]NoneType",
                also=(r"(?:environ\.get|getenv)\(['\"](?:LOCAL_RANK|RANK|WORLD_SIZE|MASTER_PORT)['\"]\)",),
                near=600,
            ),
            Sign(
                r"Error: .{0,80}environment variable .{0,3}(?P<name>RANK)\b.{0,40}(?:not|n't|must be|has to be|to be) (?:been )?(?:set|defined|found|specified)"
            ),
            Sign(r"only works in distributed training"),
            Sign(
                r"Error: .{0,80}(?P<name>LOCAL_RANK)\b.{0,60}(?:not|n't|must be|has to be|to be) (?:been )?(?:set|defined|found|specified)"
            ),
            Sign(
                r"Error: .{0,80}(?P<name>WORLD_SIZE)\b.{0,60}(?:not|n't|must be|has to be|to be) (?:been )?(?:set|defined|found|specified)"
            ),
            Sign(
                r"Error: .{0,80}(?P<name>MASTER_ADDR)\b.{0,60}(?:not|n't|must be|has to be|to be) (?:been )?(?:set|defined|found|specified)"
            ),
            Sign(
                r"Error: .{0,80}(?P<name>MASTER_PORT)\b.{0,60}(?:not|n't|must be|has to be|to be) (?:been )?(?:set|defined|found|specified)"
            ),
            Sign(r"distributed mode requires .{0,30}(?P<name>RANK|WORLD_SIZE)\b"),
        ),
        fixes=(
            Fix(
                do="{name} is set by srun: start the job step with srun inside an allocation, or change the script's launcher to pytorch "
                "and use torchrun, which sets RANK and WORLD_SIZE.",
                commands=("srun --ntasks-per-node=1 python train.py",),
                when="slurm=yes",
            ),
            _LAUNCH,
            Fix(
                do="For one process without a launcher, export the variables before init_process_group, or skip the distributed setup "
                "(most scripts have an option for it, such as --launcher none).",
                code='os.environ.setdefault("RANK", "0")\nos.environ.setdefault("WORLD_SIZE", "1")\nos.environ.setdefault("LOCAL_RANK", '
                '"0")\nos.environ.setdefault("MASTER_ADDR", "127.0.0.1")\nos.environ.setdefault("MASTER_PORT", "29500")',
            ),
        ),
        examples=(
            'Traceback (most recent call last):\n  File "finetune.py", line 61, in <module>\n    dist.init_process_group("nccl")\n'
            "ValueError: Error initializing torch.distributed using env:// rendezvous: environment variable RANK expected, but not set",
            "  File \"/opt/app/launch_utils.py\", line 18, in setup\n    gpu = int(os.environ['LOCAL_RANK'])\nKeyError: 'LOCAL_RANK'",
            "ValueError: Error initializing torch.distributed using env:// rendezvous: environ variable WORLD_SIZE expected, but not set",
            "    gpu = int(os.environ.get(\"LOCAL_RANK\"))\nTypeError: int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            "ValueError: The environment variable LOCAL_RANK must be set",
            "ValueError: Using fsdp only works in distributed training.",
        ),
        counterexamples=(
            "KeyError: 'rank_loss'",
            "KeyError: 'HOME'",
            "KeyError: 'rank'",
            "TypeError: int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            "INFO LOCAL_RANK is not set, using 0",
        ),
    ),
    Cause(
        slug="local-rank-arg-unrecognized",
        title="The launcher passes --local-rank to a script that does not know that option",
        why="torch.distributed.launch adds --local-rank=N (spelt --local_rank before torch 2.0) to the script's own arguments, and "
        "argparse rejects an option it was not told of. torchrun passes the number in the environment variable LOCAL_RANK instead.",
        signs=(
            Sign(r"unrecognized arguments:.{0,200}--local[-_]rank"),
            Sign(r"no such option:? ['\"]?--local[-_]rank"),
            Sign(r"unknown command line flag ['\"]local[-_]rank"),
            Sign(r"not used by the HfArgumentParser: \[['\"]--local[-_]rank"),
            Sign(
                r"(?:unrecognized|unknown|unexpected|invalid) (?:extra )?(?:command[- ]line )?(?:option|flag|argument|parameter|arg)s?(?:\(s\))?:?.{0,200}--local[-_]rank"
            ),
            Sign(r"argument --local[-_]rank\S{0,20}: (?:expected|invalid|not allowed|ignored)", FAIR),
            Sign(r"arguments are required: .{0,120}--local[-_]rank"),
            Sign(r"Override ['\"]-{0,2}local[-_]rank['\"] not found"),
            Sign(
                r"(?:LexerNoViableAlt|OverrideParse|mismatched input|no viable alternative|extraneous input|parsing override).{0,80}--local[-_]rank"
            ),
            Sign(r"(?:odd length|config key|Non-existent \w{0,8} ?key|could not consume arg|Key).{0,6}:? .{0,20}--local[-_]rank"),
            Sign(r"\bKey ['\"]-{0,2}local[-_]rank['\"] is not in struct"),
            Sign(r"option --local[-_]rank not recognized"),
            Sign(r"unexpected keyword argument ['\"]local[-_]rank['\"]", FAIR, also=(r"torch\.distributed\.launch|torchrun|deepspeed",)),
            Sign(r"'Namespace' object has no attribute 'local_rank'", FAIR),
        ),
        fixes=(
            Fix(
                do="Start with torchrun and read the local rank from the environment variable LOCAL_RANK instead of an argument.",
                commands=("torchrun --standalone --nproc_per_node=2 train.py",),
                code='local_rank = int(os.environ["LOCAL_RANK"])',
            ),
            Fix(
                do="Or let the script accept both spellings, --local-rank and --local_rank.",
                code='parser.add_argument("--local-rank", "--local_rank", dest="local_rank", type=int, '
                'default=int(os.environ.get("LOCAL_RANK", 0)))',
            ),
        ),
        examples=(
            "usage: fit.py [-h] [--cfg CFG] [--local_rank LOCAL_RANK]\nfit.py: error: unrecognized arguments: "
            "--local-rank=3\ntorch.distributed.elastic.multiprocessing.api: [ERROR] failed (exitcode: 2) local_rank: 0 (pid: 811) of "
            "binary: /usr/bin/python3",
            "main.py: error: unrecognized arguments: --amp --local_rank=0",
            "FATAL Flags parsing error: Unknown command line flag 'local_rank'",
            "KeyError: \"Override 'local-rank' not found in: ['seed', 'lr', 'epochs']\"",
            "LexerNoViableAltException: --local_rank=2",
            "fit.py: error: the following arguments are required: --local_rank",
            "AssertionError: Override list has odd length: ['--local-rank=0']; it must be a list of pairs",
            "KeyError: 'Non-existent config key: --local-rank=0'",
            "getopt.GetoptError: option --local-rank not recognized",
            "Unrecognized argument --local_rank=0",
        ),
        counterexamples=(
            "fit.py: error: unrecognized arguments: --lokal",
            "usage: fit.py [--local_rank N]\nfit.py: error: argument --lr is required",
            "KeyError: \"Override 'batch' not found in: ['seed', 'lr']\"",
        ),
    ),
    Cause(
        slug="world-size-mismatch",
        title="The number of processes that were started differs from the declared world size",
        why="Every process has to agree on the world size, and exactly that many processes with distinct ranks have to meet. Two "
        "launchers on top of each other (srun or mpirun around torchrun or mp.spawn) or an nnodes x nproc_per_node that does not fit "
        "give too many or too few.",
        signs=(
            Sign(
                r"store[ -]based barrier.{0,160}world_size=(?P<world>\d+), (?:worker_count|num_workers_joined)=(?P<joined>\d+)",
                test=_more_joined,
            ),
            Sign(r"waiting for clients\. (?P<joined>\d+)/(?P<world>\d+) clients joined", test=_more_joined),
            Sign(r"enforce fail at .{0,80}gloo/context\.cc.{0,12}rank < size\. (?P<rank>\d+) vs (?P<world>\d+)"),
            Sign(r"Bootstrap Root : mismatch in (?:info from procs|rank count from procs)"),
            Sign(r"Bootstrap Root : rank (?P<rank>\d+) of \d+ ranks has already checked in"),
            Sign(r"Invalid rank requested : (?P<rank>\d+)/(?P<world>\d+)"),
            Sign(r"(?:Mesh|mesh) should not be bigger than default world size"),
            Sign(r"the new group's rank should be within the (?:the )?world_size set by init_process_group"),
            Sign(r"new group's world size should be less or equal to the world size set by init_process_group"),
            Sign(r"world[ _]size:? ?\(?\d+\)? is (?:not divisible|smaller than|less than) (?:by )?.{0,40}(?:parallel|pipeline)"),
            Sign(r"world[ _]size must be divisible by .{0,40}(?:parallel|tp|pp)"),
            Sign(r"world[ _]size:? ?\(?\d+\)? (?:is not|must be) divisible by"),
            Sign(r"world[ _]size:? ?\(?\d+\)? is not equal to .{0,60}(?:parallel|pipeline|_size)"),
            Sign(r"parallel (?:dims|degrees?)\b.{0,200}!= ?WORLD_SIZE"),
            Sign(r"Invalid rank (?P<rank>\d+), rank should be in the interval \[0, \d+\]"),
            Sign(r"rank \(?\d+\)? (?:should|must) be (?:less|smaller) than .{0,10}world[ _]size", FAIR),
            Sign(r"world[ _]size \d+ must be divisible by the product of"),
        ),
        fixes=(
            Fix(
                do="Use one launcher only and make nnodes x nproc_per_node (or Slurm's ntasks) equal the world size. With srun: either "
                "one task per GPU and a plain python command, or one task per node (--ntasks-per-node=1) that runs torchrun; not srun "
                "or mpirun around mp.spawn.",
                commands=("torchrun --nnodes=1 --nproc_per_node=2 train.py",),
            ),
            Fix(
                do="Where the script sets world_size and rank itself, check that each process gets its own rank below world_size, and "
                "that tensor x pipeline parallel sizes divide the world size."
            ),
            Fix(
                do="End processes left over from an earlier run and use a fresh MASTER_PORT: they join the new job's store and are counted."
            ),
        ),
        examples=(
            "RuntimeError: Timed out initializing process group in store based barrier on rank: 3, for key: store_based_barrier_key:1 "
            "(world_size=4, worker_count=12, timeout=0:30:00)",
            "RuntimeError: [enforce fail at ../third_party/gloo/gloo/context.cc:27] rank < size. 2 vs 2",
            "gpu-a:771:771 [0] bootstrap.cc:109 NCCL WARN Bootstrap Root : mismatch in rank count from procs 8 : 4",
            "Waiting in store based barrier to initialize process group for rank: 1, key: store_based_barrier_key:1 (world_size=2, num_workers_joined=5, timeout=0:30:00)",
            "RuntimeError: world_size (6) is not divisible by total_model_size (encoder_model_size=0 + decoder_model_size=4)",
            "RuntimeError: world_size (8) is not equal to tensor_model_parallel_size (1) x pipeline_model_parallel_size (1)",
            "AssertionError: Invalid parallel dims: dp_replicate(1) * dp_shard(4) * cp(1) * tp(2) * pp(1) != WORLD_SIZE(4)",
            "ValueError: Invalid rank 5, rank should be in the interval [0, 3]",
            "AssertionError: rollout world_size: 1 is not divisible by infer_tp: 2",
        ),
        counterexamples=(
            "RuntimeError: Timed out initializing process group in store based barrier on rank: 0, for key: store_based_barrier_key:1 "
            "(world_size=4, worker_count=3, timeout=0:30:00)",
            "Waiting in store based barrier to initialize process group for rank: 1, key: store_based_barrier_key:1 (world_size=4, worker_count=2, timeout=0:30:00)",
        ),
    ),
    Cause(
        slug="nproc-gpu-without-cuda",
        title="torchrun was told to start one process for each GPU and torch sees no GPU",
        why="--nproc_per_node=gpu asks torch for the number of CUDA devices. torch.cuda.is_available() is False here.",
        signs=(
            Sign(r"ValueError: Cuda is not available\.", also=(r"torchrun|distributed[/\\]run\.py|nproc",)),
            Sign(r"determine_local_world_size.{0,300}Cuda is not available"),
        ),
        fixes=(
            Fix(
                do="Make the GPU usable first: NVIDIA driver present (nvidia-smi) and a CUDA build of torch; or give a number, such as "
                "--nproc_per_node=2, and the gloo backend to run on the CPU.",
                commands=('python -c "import torch; print(torch.version.cuda, torch.cuda.is_available())"',),
            ),
        ),
        examples=(
            '  File "/usr/lib/python3/site-packages/torch/distributed/run.py", line 590, in determine_local_world_size\n    raise '
            'ValueError("Cuda is not available.") from e\nValueError: Cuda is not available.',
        ),
        counterexamples=("Using device: cpu (CUDA is not available)",),
    ),
)
