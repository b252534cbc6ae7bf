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
        ),
        counterexamples=("KeyError: 'rank_loss'", "KeyError: 'HOME'", "KeyError: 'rank'"),
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
        ),
        counterexamples=(
            "fit.py: error: unrecognized arguments: --lokal",
            "usage: fit.py [--local_rank N]\nfit.py: error: argument --lr is required",
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
                r"store based barrier on rank:? ?\d+.{0,80}world_size=(?P<world>\d+), (?:worker_count|num_workers_joined)=(?P<joined>\d+)",
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
        ),
        counterexamples=(
            "RuntimeError: Timed out initializing process group in store based barrier on rank: 0, for key: store_based_barrier_key:1 "
            "(world_size=4, worker_count=3, timeout=0:30:00)",
        ),
    ),
    Cause(
        slug="no-checkpoint-files",
        title="No checkpoint shard was found in the directory given (MP=0)",
        why="The loader counts the *.pth files in ckpt_dir and compares their number with the world size. Zero means that the path is "
        "wrong or holds no downloaded weights, so the message about the world size misleads.",
        signs=(
            Sign(r"Loading a checkpoint for MP=0 but world size is"),
            Sign(r"AssertionError: no checkpoint files found in (?P<path>\S+)"),
            Sign(r"no checkpoint files found in", FAIR),
        ),
        fixes=(
            Fix(
                do="Point ckpt_dir (--ckpt_dir) at the folder that holds the consolidated.*.pth files, as a correct path for the current "
                "working directory; if the folder is empty, download the weights (the original .pth format, not the Hugging Face "
                "safetensors).",
                commands=("ls -l /path/to/ckpt_dir/*.pth",),
            ),
        ),
        wrong_advice="The world size is not the fault here: no number of processes fits zero checkpoint files.",
        examples=(
            "AssertionError: Loading a checkpoint for MP=0 but world size is 2",
            "AssertionError: no checkpoint files found in ./weights/7b-chat",
        ),
        counterexamples=("AssertionError: Loading a checkpoint for MP=4 but world size is 1",),
    ),
    Cause(
        slug="model-parallel-mismatch",
        title="The checkpoint has {shards|another number of} model-parallel shards and {world|another number of} processes were started",
        why="Original Llama checkpoints are split into consolidated.NN.pth shards, one for each process of the model-parallel group. The "
        "number of processes has to equal the number of shards.",
        signs=(
            Sign(r"Loading a checkpoint for MP=(?P<shards>[1-9]\d*) but world size is (?P<world>\d+)"),
            Sign(r"model_parallel_size(?: ==|\) ==|=) ?len\(.{0,40}checkpoints.{0,200}AssertionError", FAIR),
        ),
        fixes=(
            Fix(
                do="Start as many processes as the checkpoint has shards: --nproc_per_node {shards} (7B/8B: 1, 13B: 2, 65B/70B: 8), on a "
                "machine with {shards} GPUs.",
                commands=("torchrun --nproc_per_node {shards} script.py",),
            ),
            Fix(
                do="Make nproc_per_node equal the number of consolidated.*.pth files in ckpt_dir. With fewer GPUs than shards, use the "
                "Hugging Face format of the model with device_map, which does not depend on the number of processes, or reshard the "
                "checkpoint."
            ),
        ),
        examples=(
            "AssertionError: Loading a checkpoint for MP=8 but world size is 2",
            "AssertionError: Loading a checkpoint for MP=1 but world size is 2",
        ),
        counterexamples=("AssertionError: Loading a checkpoint for MP=0 but world size is 1",),
    ),
    Cause(
        slug="accelerate-device-map-auto",
        title="A model loaded with device_map is trained in several processes",
        why='device_map="auto" spreads one copy of the model over all GPUs for one process. Under a distributed launch every process '
        "would do that on the same GPUs, so accelerate refuses it.",
        signs=(
            Sign(r"can['’]t train a model that has been loaded with .{0,3}device_map=.auto.{0,4}in any distributed mode"),
            Sign(
                r"can['’]t train a model that has been loaded in (?:4|8)-bit (?:precision )?(?:or 4-bit precision )?on a different device "
                r"than the one"
            ),
            Sign(r"device_map.{0,60}(?:in any distributed mode|not compatible with (?:DeepSpeed|distributed)|low_cpu_mem_usage)", FAIR),
            Sign(r"DeepSpeed Zero-3 is not compatible with .{0,3}low_cpu_mem_usage=True.{0,30}device_map"),
        ),
        fixes=(
            Fix(
                do='Load the model without device_map="auto" and let the launcher place one copy per process; for quantised models put '
                "the whole model on this process's own GPU.",
                code='model = AutoModelForCausalLM.from_pretrained(name, device_map={{"": PartialState().local_process_index}})  # or no '
                "device_map at all",
            ),
            Fix(
                do="Or keep device_map and start a single process.",
                commands=("python train.py", "accelerate launch --num_processes=1 train.py"),
            ),
        ),
        examples=(
            "ValueError: You can't train a model that has been loaded with `device_map='auto'` in any distributed mode. Please rerun your "
            "script specifying `--num_processes=1` or by launching with `python {{myscript.py}}`.",
            "ValueError: DeepSpeed Zero-3 is not compatible with `low_cpu_mem_usage=True` or with passing a `device_map`.",
        ),
        counterexamples=(
            "UserWarning: Some parameters are on the meta device because they were offloaded to the cpu; device_map='auto' was used",
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
