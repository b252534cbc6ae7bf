"""What a backend of torch.distributed cannot do: operations and reductions it does not have."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="collective-op-unsupported",
        title="The {backend|backend of this process group} backend does not have the operation {op|that was called}",
        why="Not every backend of torch.distributed offers every collective and every reduction: Gloo lacks reduce_scatter, all_to_all and "
        "ReduceOp.AVG in many versions, NCCL lacks the bitwise reductions. Scripts that were written for NCCL meet this with Gloo (Windows, "
        "CPU).",
        signs=(
            Sign(r"\bProcessGroup(?:Wrapper|Base)? does not support (?P<op>\w+)"),
            Sign(r"no support for (?P<op>\w+) in (?P<backend>Gloo|NCCL|MPI) process group"),
            Sign(r"monitored_?barrier is (?:only|not) (?:implemented|supported)"),
            Sign(r"ProcessGroup ?(?P<backend>Gloo|NCCL|MPI|UCC|XCCL|XLA) does ?n[o']t support (?P<op>\w+)"),
            Sign(r"\bBackend (?P<backend>gloo|nccl|mpi|ucc|xccl|\w{2,12}) does not support (?P<op>\w+)"),
            Sign(r"Cannot use ReduceOp\.(?P<op>\w+) with (?P<backend>Gloo|NCCL|\w{2,12})"),
            Sign(r"ReduceOp\.(?P<op>\w+) is only available with (?:the )?NCCL", FAIR),
            Sign(r"\bis missing implementation of (?P<op>\w+)", FAIR, also=(r"ProcessGroup|c10d|[Bb]ackend",)),
        ),
        fixes=(
            Fix(
                do="Use the nccl backend for GPU tensors (Linux or WSL2), which has the operation, or create the group with both: "
                '"cpu:gloo,cuda:nccl".',
                code='dist.init_process_group("cpu:gloo,cuda:nccl")',
            ),
            Fix(
                do="Or replace the operation by one that the backend supports: all_reduce and a slice instead of reduce_scatter, all_gather or "
                "send/recv instead of all_to_all, SUM divided by the world size instead of AVG; a newer torch has more of them for Gloo.",
                code="dist.all_reduce(t, op=dist.ReduceOp.SUM)\nt /= dist.get_world_size()",
            ),
        ),
        examples=(
            "RuntimeError: ProcessGroup does not support reduce_scatter",
            "RuntimeError: no support for _allgather_base in Gloo process group",
            "RuntimeError: monitored_barrier is only implemented for GLOO backend.",
            "RuntimeError: ProcessGroupGloo does not support reduce_scatter",
            "RuntimeError: Backend gloo does not support alltoall",
            "RuntimeError: ProcessGroup gloo does not support alltoall",
            "RuntimeError: Cannot use ReduceOp.BAND with NCCL",
            "RuntimeError: Cannot use ReduceOp.AVG with Gloo",
        ),
        counterexamples=("RuntimeError: Function argument device_ids not supported for the selected backend gloo",),
    ),
)
