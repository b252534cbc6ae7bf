"""What other ranks and launchers write after the real failure."""

from __future__ import annotations

from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.ranks import Matches, Verdict, listed, ranks_of, silent


def _who_is_silent(matches: Matches, situation: Any) -> Verdict:
    """Words for the rank that lost no connection, where the others did."""
    left = ranks_of(matches)
    missing = silent(left, situation)
    return {"other": f"{listed(missing)} (it reports no lost connection, rank {listed(left)} did)"} if missing else True


CAUSES = (
    Cause(
        slug="peer-rank-died-elsewhere",
        title="The connection to another rank was lost: that rank ended first",
        why="This rank only notices that its peer ({peer|another process}) closed the connection. The error that ended the other rank is "
        "in that rank's own output, on its node, and is older than this message.",
        signs=(
            Sign(
                r"gloo/transport/\w+/\w+\.cc:\d+\] (?:Connection closed by peer|(?:Read|Write) error) \[(?P<peer>[^\]]{1,60})\]"
                r"(?:(?::\d+)?: (?:Connection reset by peer|Broken pipe)|(?!(?::\d+)?: ))",
                together=_who_is_silent,
            ),
            Sign(r"Connection closed by peer \[(?P<peer>[^\]]{1,60})\]"),
            Sign(r"(?:Read|Write|read|write) error \[(?P<peer>[^\]]{1,60})\]: Connection reset by peer"),
            Sign(
                r"retrieving ncclUniqueId from \[(?P<other>\d+)\].{0,160}got error: (?:Connection reset by peer|Broken pipe|Connection "
                r"closed|Failed to recv|failed to recv|Connection was likely closed|Socket closed)"
            ),
            Sign(r"Connection was likely closed\. Did the remote server shutdown or crash"),
            Sign(r"remote process exited or there was a network error"),
            Sign(r"ncclRemoteError: A call failed possibly due to a network error or a remote process exiting prematurely"),
            Sign(r"socketProgress(?:Opt)?: Connection closed by remote peer (?P<peer>[^\s<]{1,80})"),
            Sign(
                r"socketProgressOpt: Call to (?:recv|send) (?:from|to) (?P<peer>[^\s<]{1,80}).{0,12} failed : (?:Broken pipe|Connection "
                r"reset by peer)"
            ),
            Sign(r"Call to (?:recv|send) from (?P<peer>[^\s<]{1,80}).{0,12} failed : (?:Broken pipe|Connection reset by peer)"),
            Sign(r"(?:send|recv)Bytes.{0,160}(?:Broken pipe|Connection reset by peer|got 0 bytes)"),
            Sign(r"(?:send|recv)Value.{0,160}(?:Broken pipe|Connection reset by peer|got 0 bytes)"),
            Sign(r"failed to recv, got 0 bytes"),
            Sign(r"waitForInput.{0,160}(?:Broken pipe|Connection reset by peer)"),
            Sign(r"TCPStore.{0,300}(?:Broken pipe|Connection reset by peer)", FAIR),
            Sign(r"(?:RuntimeError|DistBackendError|DistNetworkError|DistStoreError): Connection reset by peer", FAIR),
            Sign(r"RuntimeError: Broken pipe", FAIR),
            Sign(r"has failed to (?:send a keep-alive heartbeat|shutdown the rendezvous).{0,160}due to an error of type Rendezvous", FAIR),
            Sign(r"maybe TCPStore server has shut down too early", FAIR),
            Sign(r"Horovod has been shut down\. This was caused by an exception on one of the ranks"),
            Sign(r"tensor after one of the ranks finished execution"),
            Sign(r"Received a global error notification", FAIR),
            Sign(r"The actor died because its node has died", FAIR),
            Sign(r"Call to (?:write|recv|send|read) failed : (?:Connection reset by peer|Broken pipe)", also=(r"NCCL WARN",)),
            Sign(r"A child process terminated unexpectedly", FAIR, also=(r"torch|Scheduler|rank|NCCL",)),
            Sign(r"NCCL communicator encountered error set by ProcessGroupNCCL", FAIR),
            Sign(r"worker died or was killed while executing a task by an unexpected system error", FAIR),
            Sign(r"Worker unexpectedly exits with a connection error code", FAIR),
            Sign(r"has failed to send a keep-alive heartbeat to the rendezvous", WEAK),
            Sign(r"gloo/transport/\w+/\w+\.cc.{0,60}(?:Connection (?:closed|reset) by peer|Broken pipe|Socket closed)"),
            Sign(r"Connection closed by localRank (?P<other>\d+)", WEAK, also=(r"NCCL WARN|NCCL error|Abort COMPLETE",)),
            Sign(r"actor (?:died unexpectedly before finishing this task|is dead because its worker process has died)", FAIR),
            Sign(r"has been already shutdown\.? or the remote (?:process|worker) (?:exited|died)", FAIR),
        ),
        fixes=(
            Fix(
                do="Look at the log of the other rank (the remote peer) on its own or the other node, around this time and before: rank "
                "{other|0 or the one named here} failed or was killed first (exception, CUDA error, out of memory, SIGKILL). "
                "Mend that; this rank is only a victim. A rank that wrote no error at all was most likely killed: the launcher's last "
                "lines (exitcode -9) and dmesg tell."
            ),
            Fix(
                do="Let every rank write its own log, so that the first failure is not lost, and sort the logs by time.",
                commands=("torchrun --nproc_per_node=8 --log-dir logs --redirects 3 --tee 3 train.py",),
            ),
            Fix(
                do="If no rank failed, the network between the nodes dropped the connection: check the interface (NCCL_SOCKET_IFNAME), "
                "the link and the other node's kernel log (dmesg)."
            ),
        ),
        consequence=True,
        explains=("nccl-watchdog-abort", "torchrun-child-failed"),
        examples=(
            "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:598] Connection closed by peer [192.168.7.2]:18891",
            "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1970, remote process "
            "exited or there was a network error, NCCL version 2.20.5\nncclRemoteError: A call failed possibly due to a network error or "
            "a remote process exiting prematurely.",
            "[rank3]: torch.distributed.DistBackendError: [3] is setting up NCCL communicator and retrieving ncclUniqueId from [0] via "
            "c10d key-value store by key '0', but store->get('0') got error: Connection reset by peer",
            "RuntimeError: Broken pipe",
            "horovod.common.exceptions.HorovodInternalError: Horovod has been shut down. This was caused by an exception on one of the ranks "
            "or an attempt to allreduce, allgather or broadcast a tensor after one of the ranks finished execution.",
            "(raylet) A worker died or was killed while executing a task by an unexpected system error. To troubleshoot the problem, check "
            "the logs for the dead worker.",
        ),
        counterexamples=(
            "requests.exceptions.ConnectionError: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
            "BrokenPipeError: [Errno 32] Broken pipe",
        ),
    ),
    Cause(
        slug="torchrun-child-failed",
        title="The launcher only reports that a worker failed (local rank {local|unknown}, exit code {code|1}); the error itself is in "
        "that worker's own output",
        why="ChildFailedError and the table below it summarise which process failed first. The traceback of that worker was printed "
        "earlier, above this summary, or went to its own log file.",
        signs=(
            Sign(
                r"Root Cause \(first observed failure\): \[\d+\]: .{0,160}rank : (?P<global>\d+) \(local_rank: (?P<local>\d+)\) exitcode "
                r": (?P<code>-?\d+)"
            ),
            Sign(r"failed \(exitcode: (?P<code>-?\d+)\) local_rank: (?P<local>\d+) \(pid: \d+\)"),
            Sign(r"errors\.ChildFailedError"),
            Sign(r"ChildFailedError\(", FAIR),
            Sign(r"\(local_rank: (?P<local>\d+)\) exitcode : (?P<code>-?\d+) \(pid: \d+\)", FAIR),
            Sign(r"To enable traceback see: https://pytorch\.org/docs/stable/elastic/errors\.html", FAIR),
            Sign(r"--local[-_]rank=(?P<local>\d+)['\"].{0,800}exits with return code = (?P<code>-?\d+)"),
            Sign(r"exits with return code = (?P<code>-?[1-9]\d*)", FAIR),
            Sign(r"--local[-_]rank=(?P<local>\d+)['\"].{0,800}returned non-zero exit status (?P<code>\d+)"),
            Sign(r"accelerate/commands/launch\.py.{0,400}CalledProcessError: Command", FAIR),
            Sign(r"CalledProcessError: Command", FAIR, also=(r"(?:simple|multi_gpu|deepspeed)_launcher",)),
            Sign(r"raise subprocess\.CalledProcessError\(returncode=process\.returncode, cmd=cmd\)", FAIR),
            Sign(r"Killing subprocess \d+", WEAK),
            Sign(r"srun: error: \S{1,60}: tasks? [\d,-]{1,40}: Exited with exit code (?P<code>\d+)", FAIR),
            Sign(r"mpirun (?:detected that one or more processes exited with non-zero status|noticed that process rank \d+)", FAIR),
            Sign(r"Primary job terminated normally, but \d+ process(?:es)? returned", FAIR),
            Sign(r"horovodrun.{0,80}(?:exit(?:ed)? with|exit status|status code)", FAIR),
            Sign(r"Engine core initialization failed\. See root cause above", FAIR),
            Sign(r"Rank \d+ scheduler is dead\. Please check if there are relevant logs", FAIR),
            Sign(r"Error: ShardCannotStart", FAIR),
            Sign(r"\bShard \d+ failed to start", FAIR, also=(r"text[_-]generation|shard-manager|ShardCannotStart|launcher",)),
            Sign(r"Worker failed with error .{1,120}, please check the stack trace above for the root cause", FAIR),
            Sign(r"Engine process failed to start\. See stack trace for the root cause", FAIR),
            Sign(r"Child process with PID \d+ terminated with code (?P<code>\d+)\. Forcefully terminating all other processes", FAIR),
        ),
        fixes=(
            Fix(
                do="Look above this summary for the worker's own traceback: the first error of the process with local_rank: {local|0} "
                "(the one in 'Root Cause'), which is earlier than the SIGTERM lines. Post or read that part of the output."
            ),
            Fix(
                do="If nothing is above, let each worker write its log, or wrap the main function with torch.distributed.elastic's record "
                "so that the summary shows the traceback.",
                commands=("torchrun --nproc_per_node=2 --log-dir logs --redirects 3 --tee 3 train.py",),
                code="from torch.distributed.elastic.multiprocessing.errors import record\n\n\n@record\ndef main():\n    ...",
            ),
        ),
        consequence=True,
        examples=(
            "ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: 1) local_rank: 2 (pid: 4410) of binary: "
            "/opt/env/bin/python\ntorch.distributed.elastic.multiprocessing.errors.ChildFailedError:\ntrain.py FAILED",
            "subprocess.CalledProcessError: Command '['/usr/bin/python3', '-u', 'main.py', '--local_rank=1', '--cfg', 'a.yaml']' returned "
            "non-zero exit status 1.",
            "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
            "Rank 0 scheduler is dead. Please check if there are relevant logs.\nExit code: 1",
        ),
        counterexamples=("subprocess.CalledProcessError: Command '['ninja', '-v']' returned non-zero exit status 1.",),
    ),
    Cause(
        slug="user-error-in-rank",
        title="{exception|An ordinary exception} of the program itself ended rank {rank|of the job}",
        why="This is an error of the program or its data (a missing file, a wrong path, key, type or argument), not of the GPU or of "
        "torch.distributed. The launcher's lines, SIGTERM messages and the losses of connection on other ranks only followed.",
        signs=(
            Sign(
                r"torch\.distributed\.elastic.{0,200}\"message\": \{ \"message\": "
                r"\"(?P<exception>FileNotFoundError|KeyError|ImportError|ModuleNotFoundError|NameError|IndexError): ",
                FAIR,
            ),
        ),
        fixes=(
            Fix(
                do="Fix what this exception says: {exception|the exception}: {message|see its last line}. {advice|} For a missing file "
                "check the path and that the data set exists on every node; for a missing key, module, argument or attribute check the "
                "configuration and your own code in the last frame."
            ),
            Fix(
                do="Reproduce it with one process, without the launcher, or with num_workers=0: the same error then shows without the "
                "lines of the other ranks."
            ),
        ),
        explains=(
            "peer-rank-died-elsewhere",
            "nccl-watchdog-abort",
            "nccl-timeout-straggler",
            "nccl-heartbeat-monitor",
            "mp-spawn-wrapper",
            "rendezvous-closed",
        ),
        examples=(
            'ERROR:torch.distributed.elastic.multiprocessing.errors.error_handler:{\n  "message": {\n    "message": "KeyError: '
            '\'lr_decay\'",\n    "extraInfo": {',
        ),
        counterexamples=("KeyError: 'lr_decay'",),
    ),
    Cause(
        slug="elastic-redirects-note",
        title="A harmless note: redirects are not supported on this operating system",
        why="torchrun says at its start that it cannot redirect the workers' output on Windows or macOS. It has nothing to do with a "
        "failure.",
        signs=(
            Sign(r"Redirects are currently not supported in (?:Windows|MacOs)", WEAK),
            Sign(r"^.{0,120}NOTE: Redirects are currently not supported.{0,24}$", FAIR),
            # somebody asks what it means
            Sign(r"NOTE: Redirects are currently not supported.{0,400}[?\uff1f](?: |$)", FAIR, unless=(r"\bepoch\b|\bloss\b|it/s\b",)),
            Sign(r"[?\uff1f] .{0,200}NOTE: Redirects are currently not supported", FAIR, unless=(r"\bepoch\b|\bloss\b|it/s\b",)),
        ),
        fixes=(Fix(do="Nothing to do: ignore the note. If the job failed, the error is in another line."),),
        consequence=True,
        examples=(
            "NOTE: Redirects are currently not supported in Windows or MacOs.",
            "only this line shows, what is wrong?\nNOTE: Redirects are currently not supported in Windows or MacOs.",
        ),
        counterexamples=(
            "NOTE: 3 samples skipped",
            "NOTE: Redirects are currently not supported in Windows or MacOs.\n  0%| 0/10 [00:00<?, ?it/s]\nepoch 1 done, loss 0.31\nsaved",
        ),
    ),
)
