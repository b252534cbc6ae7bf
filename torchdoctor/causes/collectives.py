"""Collectives that the ranks do not call alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.ranks import Matches, Verdict, odd_one


def _other_group(groups: Mapping[str, str], _: Any) -> bool:
    """The barrier of a later group than the default one, which not all ranks reached."""
    return int(groups["key"]) > 1 and int(groups["joined"]) < int(groups["world"])


def _whose_shape(matches: Matches, _: Any) -> Verdict:
    """Words for the rank whose tensor has another shape than its peers'."""
    shapes: dict[int, str] = {}
    for groups in matches:
        shapes[int(groups["one"])] = groups["shape"]
        shapes[int(groups["peer"])] = groups["peers_shape"]
    odd = odd_one(shapes)
    if odd is not None:
        others = next(shape for rank, shape in shapes.items() if rank != odd)
        return {"odd": f" Here rank {odd} has {shapes[odd]} and its peers have {others}."}
    if len(shapes) != 2 or len(set(shapes.values())) != 2:
        return True
    return {"odd": " Here " + " and ".join(f"rank {rank} has {shape}" for rank, shape in sorted(shapes.items())) + "."}


_OTHER_OPERATION = (r"Op type: \w{2,40} ?vs \w",)
"""The ranks do not even run the same operation: what differs in shape follows from that."""

CAUSES = (
    Cause(
        slug="new-group-not-collective",
        title="new_group was not called by all ranks in the same order",
        why="Creating a subgroup is itself a collective over all ranks: every rank of the job has to call new_group for every group, also "
        "for groups that it is no member of, in the same order. Otherwise the ranks wait for each other.",
        signs=(
            Sign(
                r"store based barrier on rank:? ?\d+, for key: store_based_barrier_key:(?P<key>\d+) \(world_size=(?P<world>\d+), "
                r"(?:worker_count|num_workers_joined)=(?P<joined>\d+)",
                test=_other_group,
            ),
            Sign(r"new_group\(", FAIR, also=(r"(?:Watchdog caught|store based barrier|Socket Timeout|[Ww]ait timeout)",), near=800),
            Sign(r"[Gg]lobal rank (?P<member>\d+) is not part of group", FAIR),
            Sign(r"Invalid process group specified", FAIR, also=(r"group",)),
            Sign(r"Group .{0,120}is not registered, please create group with torch\.distributed\.new_group"),
            Sign(
                r"\] if .{0,60} else .{0,60}\] .{0,80}\bnew_group\(",
                FAIR,
                also=(r"hang|stuck|stick|deadlock|block|[Tt]imed? ?out|SIGINT|SIGTERM|never return",),
            ),
            Sign(
                r"\bif .{0,30}rank\b.{0,60}: .{0,80}\bnew_group\(",
                FAIR,
                also=(r"hang|stuck|stick|deadlock|block|[Tt]imed? ?out|SIGINT|SIGTERM|never return",),
            ),
            Sign(r"The given group does not exist", FAIR, also=(r"group|distributed",)),
        ),
        fixes=(
            Fix(
                do="Let all ranks call new_group for all groups, in the same order, and use a group only on its members.",
                code="groups = [dist.new_group(ranks) for ranks in all_rank_lists]  # on every rank\nmine = next(g for g, ranks in "
                "zip(groups, all_rank_lists) if dist.get_rank() in ranks)",
            ),
            Fix(
                do="Or create the groups with dist.new_subgroups() or a DeviceMesh (init_device_mesh), which every rank calls alike; "
                "use_local_synchronization=True lets only the members take part."
            ),
        ),
        explains=(
            "nccl-timeout-straggler",
            "nccl-watchdog-abort",
            "rendezvous-timeout",
            "launcher-interrupted",
        ),
        examples=(
            "RuntimeError: Timed out initializing process group in store based barrier on rank: 5, for key: store_based_barrier_key:3 "
            "(world_size=8, worker_count=4, timeout=0:30:00)",
            "ValueError: Global rank 6 is not part of group <torch.distributed.distributed_c10d.ProcessGroup object at 0x7f1d>",
            "it hangs now and then:\n    part = [0, 1] if rank < 2 else [2, 3]\n    g = dist.new_group(part)\n    dist.barrier(group=g)",
        ),
        counterexamples=(
            "RuntimeError: Timed out initializing process group in store based barrier on rank: 0, for key: store_based_barrier_key:1 "
            "(world_size=8, worker_count=4, timeout=0:30:00)",
        ),
    ),
    Cause(
        slug="collective-shape-mismatch",
        title="The ranks pass tensors of different sizes or dtypes to the same collective",
        why="all_reduce, all_gather and broadcast need the same shape and dtype on every rank. A batch of another length or a parameter "
        "that only some ranks have gives other sizes; NCCL may then hang or return garbage, Gloo reports the sizes.{odd|}",
        signs=(
            Sign(r"op\.preamble\.length <= op\.nbytes\. (?P<got>\d+) vs (?P<room>\d+)"),
            Sign(r"enforce fail at .{0,80}gloo/transport/\w+/pair\.cc.{0,20}(?:opt?\.|length|nbytes)", STRONG),
            Sign(r"Received data size doesn['’]t match expected size"),
            Sign(r"Tensor shapes: \[.{0,80}\]vs \[", STRONG, unless=_OTHER_OPERATION),
            Sign(r"ProcessGroup\w+::\w+: invalid tensor (?:size|type|shape) at index"),
            Sign(
                r"collectives on ranks\. Rank (?P<one>\d+) is running (?:inconsistent )?collective: .{0,80}?TensorShape=(?P<shape>\[[\d, ]*\])"
                r".{0,500}?but Rank (?P<peer>\d+) is running .{0,120}?TensorShape=(?P<peers_shape>\[[\d, ]*\]).{0,500}?"
                r"Collectives differ in the following aspects:.{0,40}Tensor (?:Tensor )?(?:shapes|dtypes)",
                unless=_OTHER_OPERATION,
                together=_whose_shape,
            ),
            Sign(r"Collectives differ in the following aspects:.{0,40}Tensor (?:Tensor )?(?:shapes|dtypes)", unless=_OTHER_OPERATION),
            Sign(r"NCCL WARN Message truncated : received (?P<got>\d+) bytes instead of (?P<room>\d+)"),
            Sign(r"Tensor list input to scatter/gather must match number of collective participants"),
            Sign(r"output tensor size must be equal to world_size times input tensor size"),
            Sign(r"input tensor must be the same (?:size|type) as the outp?ut tensor"),
            Sign(r"tensor operands to scatter/gather must have the same (?:number of elements|size)"),
            Sign(r"[Ii]nvalid usage of tensors with different dtypes"),
            Sign(r"Cannot apply desired operation due to shape mismatches"),
            Sign(r"Tensors must have identical (?:size|type|shape)"),
            Sign(
                r"is running (?:inconsistent )?collective: CollectiveFingerPrint\((?:SequenceNumber=\d+, )?OpType=(?P<op>\w+), TensorShape=(?P<shape>\[[\d, ]*\]).{0,400}?but Rank \d+ is running .{0,80}?OpType=(?P=op), TensorShape=(?!(?P=shape))\["
            ),
            Sign(r"must have the same shape (?:across|on) (?:all )?ranks"),
        ),
        fixes=(
            Fix(
                do="Make the tensor the same shape and dtype on every rank: pad to a common length before all_gather (gather the lengths "
                "first), or use all_gather_object / accelerator.pad_across_processes / gather_for_metrics.",
                code="longest = torch.tensor(x.size(0), device=x.device)\ndist.all_reduce(longest, op=dist.ReduceOp.MAX)\nx = F.pad(x, "
                "(0, 0, 0, int(longest) - x.size(0)))",
            ),
            Fix(
                do="If it happens in DDP, all ranks must build the same model and use the same parameters (same buckets, same order); "
                "TORCH_DISTRIBUTED_DEBUG=DETAIL names the collective and both shapes.",
                commands=("TORCH_DISTRIBUTED_DEBUG=DETAIL torchrun --nproc_per_node=2 train.py",),
            ),
        ),
        refines=("nccl-timeout-collective-mismatch",),
        explains=("nccl-timeout-straggler", "nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: [enforce fail at ../third_party/gloo/gloo/transport/tcp/pair.cc:446] op.preamble.length <= op.nbytes. 640 vs "
            "512",
            "ValueError: ProcessGroupGloo::allgather: invalid tensor size at index 0 (expected (4, 2), got (3, 2))",
            "accelerate.utils.operations.DistributedOperationException: Cannot apply desired operation due to shape mismatches. All shapes across devices must be valid.",
        ),
        counterexamples=("RuntimeError: Sizes of tensors must match except in dimension 1. Expected size 4 but got size 3",),
    ),
)
