"""Process groups: made twice, not at all, not in this build."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="process-group-initialized-twice",
        title="init_process_group was called a second time in the same process",
        why="A process has one default process group. The trainer (Lightning, accelerate, DeepSpeed) or an earlier notebook cell has "
        "already created it when the script calls init_process_group again.",
        signs=(
            Sign(r"trying to initialize the default process group twice"),
            Sign(r"process group (?:has |is )?already (?:been )?initialized", FAIR),
            Sign(r"(?:parallel|world) group is already initialized"),
            Sign(r"initialize should only be called once"),
        ),
        fixes=(
            Fix(
                do="Call init_process_group once; guard it with dist.is_initialized(), or drop your own call where the framework makes it.",
                code='if not dist.is_initialized():\n    dist.init_process_group("nccl")',
            ),
            Fix(
                do="To start anew in the same process (notebook, second trainer), call dist.destroy_process_group() first or restart the "
                "kernel; after vLLM or Megatron also destroy_model_parallel()."
            ),
        ),
        examples=(
            "RuntimeError: trying to initialize the default process group twice!",
            "ValueError: trying to initialize the default process group twice!",
            "AssertionError: tensor model parallel group is already initialized",
        ),
        counterexamples=("RuntimeError: Default process group has not been initialized, please make sure to call init_process_group.",),
    ),
    Cause(
        slug="process-group-not-initialized",
        title="A collective, DDP or SyncBatchNorm was used before init_process_group",
        why="Collectives, DistributedDataParallel and SyncBatchNorm need a default process group, which only init_process_group creates. "
        "A script made for several GPUs that is run as one plain process never creates it.",
        signs=(
            Sign(r"Default process group (?:has not been|is not) initialized"),
            Sign(r"Process group .{0,60}is not initialized in the world group map"),
            Sign(r"DeepSpeed backend not set, please initialize it using init_process_group"),
            Sign(r"(?:has no|must be) initialized process group", FAIR),
            Sign(r"_get_default_group.{0,300}raise (?:RuntimeError|ValueError)\(", FAIR),
            ends_in("torch/distributed/distributed_c10d.py", "_get_default_group|_check_default_pg|_get_default_store"),
            Sign(r"(?:parallel|world|pipeline) group is not initialized"),
            Sign(r"DeepSpeed backend not set"),
            Sign(r"Horovod has not been initialized"),
            Sign(r"RPC has not been initialized", FAIR),
            Sign(r"(?:Error|Exception): .{0,80}\bdistributed.{0,30} not (?:been )?initialized", FAIR),
        ),
        fixes=(
            Fix(
                do="Call init_process_group before the first collective, and start the script through a launcher such as torchrun (also "
                "for one GPU).",
                commands=("torchrun --standalone --nproc_per_node=1 train.py",),
                code='torch.distributed.init_process_group("nccl")  # "gloo" without a GPU',
            ),
            Fix(
                do="To train in one process without distributed, replace SyncBatchNorm (SyncBN in the config) by BatchNorm, do not wrap "
                "in DistributedDataParallel, and skip barrier() and all_reduce() unless dist.is_initialized()."
            ),
        ),
        examples=(
            '  File "/opt/conda/lib/python3.8/site-packages/torch/nn/modules/batchnorm.py", line 731, in forward\n    world_size = '
            "torch.distributed.get_world_size(process_group)\nRuntimeError: Default process group has not been initialized, please make "
            "sure to call init_process_group.",
            "AssertionError: Default process group is not initialized",
            "AssertionError: tensor model parallel group is not initialized",
            "AssertionError: DeepSpeed backend not set, please initialize it using init_process_group()",
            "RuntimeError: torch.distributed is not initialized",
        ),
        counterexamples=(
            "ValueError: trying to initialize the default process group twice!",
            "INFO torch.distributed is not initialized, running on one device",
        ),
    ),
    Cause(
        slug="distributed-not-available",
        title="This torch build has no torch.distributed",
        why="torch.distributed was compiled out (USE_DISTRIBUTED=0): Windows before torch 1.7, macOS and Jetson or other third-party "
        "builds. The package can be imported, but holds no functions.",
        signs=(
            Sign(
                r"module ['\"]torch\.distributed['\"] has no attribute ['\"](?P<name>init_process_group|is_initialized|get_rank|"
                r"get_world_size|ReduceOp|all_reduce|all_gather|barrier|broadcast|group|ProcessGroup|Backend|new_group|"
                r"destroy_process_group|GroupMember)['\"]"
            ),
            Sign(
                r"cannot import name ['\"](?P<name>ProcessGroup|ReduceOp|Store|Backend|group|init_process_group)['\"] from "
                r"['\"]torch\.(?:_C\.)?_?distributed"
            ),
            Sign(r"No module named ['\"]torch\._C\._distributed_c10d['\"]"),
            Sign(r"module ['\"]torch\._C['\"] has no attribute ['\"]_c10d_init['\"]"),
            Sign(r"torch\.distributed(?: package)? is not available"),
            Sign(r"(?:PyTorch|Distributed package) (?:was|is) (?:not )?(?:built|compiled) without distributed"),
            Sign(r"module 'torch\._C' has no attribute '_(?:c10d|distributed_c10d)\w*'"),
            Sign(r"torch\.distributed\.is_available\(\)\W{0,6}(?:returns?|returned|return|is|gives)? ?\W{0,2}False", FAIR),
            Sign(r"'__spec__', 'deprecated', 'is_available'"),
            Sign(r"(?:built|compiled) without (?:torch\.)?distributed"),
            Sign(r"not (?:been )?(?:built|compiled) with (?:torch\.)?distributed"),
            Sign(r"Requires distributed package to be available"),
            Sign(r"[Dd]istributed package is(?: not|n't) available"),
        ),
        fixes=(
            Fix(
                do="Install a newer official build, which has torch.distributed (Windows since torch 1.7): upgrade PyTorch, or use Linux "
                "or WSL2.",
                commands=("pip install --upgrade torch",),
                when="os=windows",
            ),
            Fix(
                do="Update to an official or newer torch build compiled with USE_DISTRIBUTED=1 (the wheels for Linux, Windows since torch "
                "1.7, and macOS have it).",
                commands=("pip install --upgrade torch",),
            ),
            Fix(
                do="In code that has to run without it, ask torch.distributed.is_available() before any other function of the package.",
                code="world_size = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1",
            ),
        ),
        examples=(
            "AttributeError: module 'torch.distributed' has no attribute 'init_process_group'",
            "AttributeError: module 'torch.distributed' has no attribute 'ReduceOp'",
            "ModuleNotFoundError: No module named 'torch._C._distributed_c10d'; 'torch._C' is not a package",
            ">>> torch.distributed.is_available()\nFalse",
            "RuntimeError: Requires distributed package to be available",
            "RuntimeError: PyTorch built without distributed support",
        ),
        counterexamples=(
            "AttributeError: module 'torch.distributed' has no attribute 'tensor'",
            ">>> torch.distributed.is_available()\nTrue",
        ),
    ),
    Cause(
        slug="mpi-backend-missing",
        refines=("distributed-backend-unknown",),
        title="The MPI backend was asked for and this torch build has no MPI",
        why="The MPI backend exists only in a torch that was compiled from source on a machine with MPI installed; the wheels do not have "
        "it.",
        signs=(
            Sign(r"Unknown c10d backend type MPI"),
            Sign(r"Distributed package doesn['’]t have MPI built in"),
        ),
        fixes=(
            Fix(
                do='Use backend="nccl" on GPUs or "gloo" on CPUs; mpirun can still start the processes if rank and world size are taken '
                "from OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE.",
                code='dist.init_process_group("gloo", rank=int(os.environ["OMPI_COMM_WORLD_RANK"]), '
                'world_size=int(os.environ["OMPI_COMM_WORLD_SIZE"]))',
            ),
            Fix(
                do="Or build PyTorch from source where MPI is installed (the build finds mpicc by itself). An assertion `Unknown c10d "
                "backend type MPI` is how some torch 2.0 versions say the same; a newer torch (upgrade) says it plainly."
            ),
        ),
        examples=(
            "AssertionError: Unknown c10d backend type MPI",
            "RuntimeError: Distributed package doesn't have MPI built in. MPI is only included if you build PyTorch from source on a host "
            "that has MPI installed.",
        ),
        counterexamples=("RuntimeError: Distributed package doesn't have NCCL built in",),
    ),
    Cause(
        slug="distributed-backend-unknown",
        title="torch does not know the distributed backend {backend|that was asked for}",
        why="Backends other than gloo, nccl and mpi (hccl, ccl, xccl, cncl) register themselves when their package is imported. The name "
        "is misspelt, or that import is missing.",
        signs=(
            Sign(r"Unknown c10d backend type (?P<backend>\w+)"),
            Sign(
                r"Invalid backend: ['\"](?P<backend>[^'\"]{1,40})['\"]",
                also=(r"torch\.distributed|init_process_group|c10d|distributed_c10d",),
            ),
            Sign(
                r"(?:Unknown|unsupported) (?:distributed )?backend:? ['\"](?P<backend>[^'\"]{1,40})['\"]",
                FAIR,
                also=(r"init_process_group|torch\.distributed",),
            ),
        ),
        fixes=(
            Fix(
                do='Use backend="nccl" (NVIDIA GPUs) or "gloo" (CPU). For other accelerators import the package that registers the '
                "backend first: torch_npu (hccl), oneccl_bindings_for_pytorch (ccl), habana_frameworks.torch.distributed.hccl (hccl).",
                code='dist.init_process_group("gloo")',
            ),
        ),
        examples=(
            "AssertionError: Unknown c10d backend type CNCL",
            "    dist.init_process_group(name)\nValueError: Invalid backend: 'nccl_'",
        ),
        counterexamples=("ValueError: Invalid backend for matplotlib", "AssertionError: Unknown c10d backend type MPI"),
    ),
)
