"""Collectives that never completed: stragglers, mismatches, the watchdog and its monitor."""

from __future__ import annotations

from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.ranks import Matches, Verdict, listed, odd_one, rank_of, ranks_of, silent

_UNLIKE = frozenset({"SEND", "RECV", "COALESCED", "SCATTER", "GATHER", "UNKNOWN"})
"""Operations in which the ranks rightly differ."""


def _who_is_missing(matches: Matches, situation: Any) -> Verdict:
    """Words for the rank to look at: the one behind the others, or the one that reports no timeout."""
    seqs = {rank: int(groups["seq"]) for groups in matches for rank in [rank_of(groups)] if rank is not None and groups.get("seq")}
    alike = len({groups["op"] for groups in matches}) == 1
    behind = [rank for rank, seq in seqs.items() if seq == min(seqs.values())]
    if alike and len(set(seqs.values())) == 2 and 2 * len(behind) < len(seqs):
        return {"missing": f"rank {listed(behind)}, still at {min(seqs.values())} while the others are at {max(seqs.values())}"}
    waited = ranks_of(matches)
    missing = silent(waited, situation)
    return {"missing": f"rank {listed(missing)}, which reports no timeout while rank {listed(waited)} waited"} if missing else True


def _in_ranks(matches: Matches, situation: Any) -> Verdict:
    """Only where the messages are those of ranks: before the group exists, nobody's rank is written before them."""
    return _who_is_missing([{"op": "", **groups} for groups in matches], situation) if ranks_of(matches) else False


def _in_which(matches: Matches, _: Any) -> Verdict:
    """Words for the rank that runs another collective than its peers, by what the messages say of themselves and of the other."""
    calls: dict[int, str] = {}
    for groups in matches:
        calls[int(groups["other"])] = groups["op"]
        if groups.get("peer"):
            calls[int(groups["peer"])] = groups["peers_op"]
    odd = odd_one(calls)
    if odd is not None:
        others = next(op for rank, op in calls.items() if rank != odd)
        return {"odd": f"rank {odd} ({calls[odd]} while the others run {others})" if others != calls[odd] else f"rank {odd}"}
    return {"odd": "the ranks " + " and ".join(f"{rank} ({op})" for rank, op in sorted(calls.items()))} if len(calls) == 2 else True


def _ranks_differ(matches: Matches, _: Any) -> bool:
    """Under one sequence number the ranks wait in different collectives, or with different sizes.

    Different sequence numbers alone say nothing: each process group counts for itself.
    """
    calls: dict[str, set[tuple[str, str]]] = {}
    for groups in matches:
        if groups["op"] in _UNLIKE:
            continue
        calls.setdefault(groups["seq"], set()).add((groups["op"], groups["numel"]))
    return any(len(kinds) > 1 for kinds in calls.values())


CAUSES = (
    Cause(
        slug="nccl-timeout-straggler",
        title="A collective ({op|operation} {seq|of NCCL or Gloo}) timed out: another rank did not join it in time",
        why="A collective completes only when every rank takes part. The ranks that report the timeout waited; the one to look at is the "
        "other rank that is missing from these messages or stuck elsewhere: slow or busy alone (saving a checkpoint, preprocessing, "
        "evaluation, uneven data), dead, or in another collective.",
        signs=(
            Sign(
                r"(?:\[Rank (?P<at>\d+)\] )?Watchdog caught collective operation timeout: WorkNCCL\(SeqNum=(?P<seq>\d+), "
                r"OpType=(?P<op>\w+).{0,200}?Timeout\(ms\)=(?P<limit>\d+)\) ran for (?P<waited>\d+) milliseconds",
                FAIR,
                together=_who_is_missing,
            ),
            Sign(r"Watchdog caught collective operation timeout: WorkNCCL\((?:SeqNum=(?P<seq>\d+), )?OpType=(?P<op>\w+)", FAIR),
            Sign(r"Watchdog caught collective operation timeout", FAIR),
            Sign(
                r"Timeout at NCCL work: (?P<seq>\d+), last enqueued NCCL work: (?P<enqueued>-?\d+), last completed NCCL work: "
                r"(?P<completed>-?\d+)",
                FAIR,
            ),
            Sign(
                r"detected by watchdog at work: (?P<seq>\d+), last enqueued NCCL work: (?P<enqueued>-?\d+), last completed NCCL work: "
                r"(?P<completed>-?\d+)",
                FAIR,
            ),
            Sign(
                r"OpType=(?P<op>\w+), .{0,160}Timeout\(ms\)=(?P<limit>\d+)\) (?:ran for (?P<waited>\d+) milliseconds|timed out in "
                r"blocking wait)",
                FAIR,
            ),
            Sign(r"Timed out waiting (?P<waited>\d+)ms for (?P<op>recv|send) operation to complete", together=_who_is_missing),
            Sign(r"Ranks? (?P<missing>[\d, ]{1,80}) failed to pass monitoredBarrier in (?P<waited>\d+) ms"),
            Sign(
                r"retrieving ncclUniqueId from \[(?P<missing>\d+)\].{0,160}got error: (?:Socket Timeout|wait timeout|Wait timeout|Timeout "
                r"waiting)",
                FAIR,
            ),
            Sign(r"Rank \d+ timed out in monitoredBarrier after"),
            Sign(r"NCCL timeout in DDP setup/execution"),
            Sign(r"[Tt]imed? ?out .{0,40}waiting for rank (?P<missing>\d+)\b", FAIR),
            Sign(r"collective operation timed out", FAIR, also=(r"NCCL|Gloo|c10d|Dist\w+Error",)),
            Sign(r"\bran for \d{4,9} milliseconds before timing out", FAIR),
            Sign(r"dump signal due to a collective timeout from (?:rank (?P<from>\d+)|this local rank)", FAIR),
            Sign(r"most likely caused by incorrect usages of collectives", WEAK),
            Sign(r"store->get\(.{1,60}\) got error: (?:Socket Timeout|[Ww]ait timeout)", FAIR),
            # the store of a group that exists already: another rank has not come to this point
            Sign(r"waitForInput: socket SocketImpl\(.{1,200}\) timed out after (?P<waited>\d+) ?ms", FAIR, together=_in_ranks),
            Sign(r"\bin (?:barrier|monitored_barrier|wait_for_everyone)\b.{0,300}Error: (?:Socket Timeout|[Ww]ait timeout)", FAIR),
            Sign(r"\bbarrier\(\) .{0,40}Error: (?:Socket Timeout|[Ww]ait timeout)", FAIR),
            Sign(
                r"(?:Tokeniz\w+|tokenizer|Map|Filter|Packing|Preprocess\w+|Generating|Saving|Dropping)\b[^|]{0,80}\d{1,2}%\|.{0,60}\|.{0,900}"
                r"timed out after \d+ ?ms",
                FAIR,
                also=(r"c10d|ProcessGroup|torch[./\\]distributed|Dist\w+Error",),
            ),
            Sign(r"Observed flight recorder dump signal from another rank via TCPStore", WEAK),
        ),
        fixes=(
            Fix(
                do="Find the other rank that is missing: {missing|the one that does not report this collective, or whose SeqNum is "
                "lower}. It is stuck, slow or busy alone. Look what it did then (log, py-spy dump of its process): it has to join the "
                "same {op|collective} {seq|call}, all ranks the same number of times.",
                commands=(
                    "TORCH_NCCL_TRACE_BUFFER_SIZE=2000 TORCH_NCCL_DUMP_ON_TIMEOUT=1 torchrun --nproc_per_node=8 train.py",
                    "py-spy dump --pid PID",
                ),
            ),
            Fix(
                do="Where one rank works alone on purpose (preprocessing, saving a checkpoint, downloading), do it before "
                "init_process_group or let the timeout be longer than it takes: timeout=timedelta(hours=2) in init_process_group "
                "(Trainer: ddp_timeout, accelerate: InitProcessGroupKwargs).",
                code='dist.init_process_group("nccl", timeout=datetime.timedelta(hours=2))',
            ),
            Fix(
                do="Give every rank equally many batches (drop_last=True, a DistributedSampler, join() for uneven inputs) and no "
                "collective inside a branch that only some ranks take."
            ),
            Fix(
                do="If it hangs at the very first collective, suspect the transport: try NCCL_P2P_DISABLE=1 on one node, "
                "NCCL_IB_DISABLE=1 and the right NCCL_SOCKET_IFNAME between nodes, and read NCCL_DEBUG=INFO.",
                commands=("NCCL_DEBUG=INFO NCCL_P2P_DISABLE=1 torchrun --nproc_per_node=2 train.py",),
            ),
        ),
        explains=("nccl-watchdog-abort", "nccl-heartbeat-monitor", "peer-rank-died-elsewhere"),
        decide="TORCH_DISTRIBUTED_DEBUG=DETAIL torchrun --nproc_per_node=2 train.py",
        examples=(
            "[rank3]:[E903 11:00:01.123456789 ProcessGroupNCCL.cpp:629] [Rank 3] Watchdog caught collective operation timeout: "
            "WorkNCCL(SeqNum=2251, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=1800000) ran for 1800042 milliseconds before "
            "timing out.",
            "[E ProcessGroupNCCL.cpp:587] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(OpType=BROADCAST, "
            "TensorShape=[128], Timeout(ms)=1800000) ran for 1803170 milliseconds before timing out.",
            "RuntimeError: [../third_party/gloo/gloo/transport/tcp/unbound_buffer.cc:81] Timed out waiting 1800000ms for recv operation "
            "to complete",
            "RuntimeError: Rank 2 failed to pass monitoredBarrier in 30000 ms",
            "RuntimeError: NCCL timeout in DDP setup/execution",
            "Tokenizing (num_proc=8):  44%|####      | 4400/10000 [30:00<38:10, 2.4 examples/s]\n[rank1]:[W101 02:00:00.1 socket.cpp:489] [c10d] "
            "waitForInput: socket SocketImpl(fd=33, addr=[localhost]:40000, remote=[localhost]:29500) timed out after 1800000ms",
            "    torch.distributed.barrier()\nRuntimeError: Socket Timeout",
        ),
        counterexamples=(
            "epoch 3: watchdog timeout set to 1800 s",
            "[W101 02:00:00.1 socket.cpp:489] [c10d] waitForInput: socket SocketImpl(fd=9, addr=[n2]:40000, remote=[n1]:29500) timed out "
            "after 900000ms",
            "RuntimeError: Detected mismatch between collectives on ranks. Rank 0 is running collective: "
            "CollectiveFingerPrint(SequenceNumber=4, OpType=ALLREDUCE",
        ),
    ),
    Cause(
        slug="nccl-timeout-collective-mismatch",
        title="The ranks do not run the same collectives in the same order",
        why="All ranks have to call the same collectives, equally often and with the same shapes. Here one rank is in another collective "
        "than its peers (or ran more of them), because a branch, a different number of batches, a logged key or an exception that "
        "only this rank had made its path differ.",
        signs=(
            Sign(
                r"Detected mismatch between collectives on ranks\. Rank (?P<other>\d+) is running (?:inconsistent )?collective: "
                r"(?:CollectiveFingerPrint\()?(?:SequenceNumber=(?P<seq>\d+), ?)?OpType=(?P<op>\w+)(?:.{0,600}?but Rank (?P<peer>\d+) is "
                r"running (?:inconsistent )?collective: (?:CollectiveFingerPrint\()?(?:SequenceNumber=\d+,? ?)?OpType=(?P<peers_op>\w+))?",
                together=_in_which,
            ),
            Sign(r"Detected mismatch between collectives on ranks"),
            Sign(r"Collectives differ in the following aspects"),
            Sign(r"\bOp type: (?P<mine>\w{2,40}?) ?vs (?P<theirs>\w{2,40})"),
            Sign(
                r"collective operation timeout: WorkNCCL\(SeqNum=(?P<seq>\d+), OpType=(?P<op>\w+), NumelIn=(?P<numel>\d+)",
                FAIR,
                together=_ranks_differ,
            ),
            Sign(r"Is there a distributed collective mismatch in your code"),
            Sign(r"Mismatched collective detected, please check your collective calls at and around rank (?P<other>\d+)"),
            Sign(r"NCCL WARN Mismatched collective detected"),
            Sign(r"may be (?:hanging, this may be )?caused by a collective mismatch around rank (?P<other>\d+)"),
            Sign(r"submitted to be reduced, gathered or broadcasted by subset of ranks and are waiting for remainder of ranks"),
            Sign(r"ranks? (?:failed|have|has) .{0,60}(?:mismatch|inconsistent) .{0,40}collective", FAIR),
            Sign(r"disagreement between rank ?0 and rank ?(?P<other>\d+): rank ?0:"),
        ),
        fixes=(
            Fix(
                do="Make every rank run the same collectives: same number of batches and steps on all ranks, the same keys in log_dict "
                "with sync_dist=True on every rank (also when a batch is empty), and no collective (barrier, all_reduce, saving, "
                "logging) inside `if rank == 0` or another branch that depends on the data.",
                code="self.log_dict({k: metrics.get(k, zero) for k in ALL_KEYS}, sync_dist=True)  # the same keys on every rank",
            ),
            Fix(
                do="Look at {odd|the rank that differs}: if an exception took it out of the loop, that error is the root. To see who is "
                "where, run with TORCH_DISTRIBUTED_DEBUG=DETAIL or the flight recorder (TORCH_NCCL_TRACE_BUFFER_SIZE).",
                commands=("TORCH_DISTRIBUTED_DEBUG=DETAIL torchrun --nproc_per_node=2 train.py",),
            ),
            Fix(
                do="With modules that only some samples use (text-only batches, mixtures of experts), run them on a dummy input on the "
                "other ranks so that all ranks gather the same parameters."
            ),
        ),
        refines=("nccl-timeout-straggler",),
        explains=("nccl-watchdog-abort", "nccl-heartbeat-monitor", "nccl-timeout-straggler", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: Detected mismatch between collectives on ranks. Rank 0 is running collective: "
            "CollectiveFingerPrint(SequenceNumber=77, OpType=ALLREDUCE, TensorShape=[4], TensorDtypes=Float, "
            "TensorDeviceTypes=TensorOptions(...)), but Rank 1 is running collective: "
            "CollectiveFingerPrint(SequenceNumber=77OpType=BARRIER).Collectives differ in the following aspects: Op type: ALLREDUCEvs "
            "BARRIER",
            "[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=90, OpType=ALLREDUCE, NumelIn=512, NumelOut=512, "
            "Timeout(ms)=600000) ran for 600011 milliseconds before timing out.\n[Rank 1] Watchdog caught collective operation timeout: "
            "WorkNCCL(SeqNum=90, OpType=_ALLGATHER_BASE, NumelIn=64, NumelOut=128, Timeout(ms)=600000) ran for 600022 milliseconds before "
            "timing out.",
            "Collectives differ in the following aspects: \t Op type: ALLREDUCEvs BROADCAST  Tensor Tensor shapes: 8vs 1",
            '  File "/opt/conda/lib/python3.11/site-packages/deepspeed/runtime/utils.py", line 1010, in assert_ints_same_as_other_ranks\nRuntimeError: disagreement between rank0 and rank3: rank0: [11, 12, 13], rank3: [11, 13]',
        ),
        counterexamples=(
            "[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=90, OpType=ALLREDUCE, NumelIn=512, NumelOut=512, "
            "Timeout(ms)=600000) ran for 600011 milliseconds before timing out.\n[Rank 1] Watchdog caught collective operation timeout: "
            "WorkNCCL(SeqNum=90, OpType=ALLREDUCE, NumelIn=512, NumelOut=512, Timeout(ms)=600000) ran for 600022 milliseconds before "
            "timing out.",
        ),
    ),
)
