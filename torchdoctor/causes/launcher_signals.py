"""The launcher was ended from outside, or could not reach the nodes."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_ECHOES = ("peer-rank-died-elsewhere", "nccl-watchdog-abort", "nccl-timeout-straggler", "nccl-heartbeat-monitor", "mp-spawn-wrapper")

CAUSES = (
    Cause(
        slug="killed-by-outer-process",
        title="The job was ended from outside with SIGTERM (signal 15)",
        why="SIGTERM is a request from another program: the scheduler (time limit, preemption, scancel), Kubernetes, a supervisor, or the "
        "main component of which this launcher is a part. The ranks themselves did not fail.",
        signs=(
            Sign(r"(?:SignalException.{0,60}|Process \d+ )got signal: 15\b"),
            Sign(r"Received (?:Signals\.)?(?:SIGTERM|15) death signal, shutting down workers"),
            Sign(r"Got termination signal: (?:Signals\.)?(?:SIGTERM|15)"),
            Sign(r"Root Cause \(first observed failure\): \[\d+\]: .{0,200}exitcode : -15\b"),
            Sign(r"failed \(exitcode: -15\)"),
            Sign(r"exits with return code = -15\b"),
            Sign(r"terminated with signal SIGTERM", FAIR),
            Sign(r"slurmstepd: error: \*\*\* (?:JOB|STEP) \S{1,40} ON \S{1,60} CANCELLED AT"),
            Sign(r"DUE TO (?:PREEMPTION|NODE FAILURE|TIME LIMIT|JOB REQUEUE)"),
            Sign(r"srun: forcing job termination", FAIR),
            Sign(r"\bactor's node was preempted"),
            Sign(r"\bexit ?code:? {1,2}-15\b", FAIR),
            Sign(r"Raylet graceful shutdown triggered, reason = EXPECTED_TERMINATION", FAIR),
            Sign(r"PBS: job killed: (?:walltime|cput) \d+ exceeded limit"),
            Sign(r"\bTERM_(?:RUNLIMIT|OWNER|PREEMPT)\b"),
            Sign(r"\bexit(?:ed with)?[ _]?(?:status )?code:? ?=? ?143\b", FAIR),
            Sign(r"\bSIGTERMException\b", FAIR),
            Sign(r"Bypassing (?:signal )?SIGTERM", FAIR),
            Sign(r"node was low on resource", FAIR),
            Sign(r"The node had condition: \[(?:Memory|Disk|PID)Pressure\]", FAIR),
            Sign(r"traceback : Signal 15 \(SIGTERM\) received by PID", FAIR, unless=(r"exitcode : (?:-(?!15)\d+|[1-9])",)),
            Sign(r"died with <Signals\.SIGTERM: 15>", FAIR),
        ),
        fixes=(
            Fix(
                do="Read the log of the component that sent the signal: the scheduler (sacct shows TIMEOUT, PREEMPTED or CANCELLED), the "
                "other container or sibling process of the job (server, trainer, orchestrator, main process), or the supervisor. The "
                "first error is there, not in this rank.",
                commands=("sacct -X --format=JobID,State,ExitCode,Elapsed,Timelimit",),
            ),
            Fix(
                do="If the time limit ended it, ask for a longer one (--time) and save checkpoints so that the job can resume; in "
                "Kubernetes look at kubectl describe pod for eviction or a failed probe."
            ),
        ),
        explains=(*_ECHOES, "torchrun-child-failed"),
        consequence=True,
        examples=(
            "torch.distributed.elastic.multiprocessing.api.SignalException: Process 4410 got signal: 15",
            "slurmstepd: error: *** JOB 551 ON gn02 CANCELLED AT 2025-01-09T04:00:11 DUE TO TIME LIMIT ***",
            "=>> PBS: job killed: walltime 86423 exceeded limit 86400",
            "command terminated with exit code 143",
        ),
        counterexamples=(
            "WARNING:torch.distributed.elastic.multiprocessing.api:Sending process 310 closing signal SIGTERM\nKeyError: 'x'",
        ),
    ),
    Cause(
        slug="torchrun-sighup",
        title="The terminal was closed and torchrun got SIGHUP (signal 1)",
        why="When a terminal or ssh session ends, its processes get SIGHUP. torchrun forwards it to the workers and stops; nohup does not "
        "help, as torchrun installs its own handler.",
        signs=(
            Sign(r"(?:SignalException.{0,60}|Process \d+ )got signal: 1(?!\d)"),
            Sign(r"Received (?:1|Signals\.SIGHUP|SIGHUP) death signal"),
            Sign(r"closing signal (?:Signals\.)?SIGHUP"),
            Sign(r"Signal 1 \(SIGHUP\) received by PID"),
            Sign(r"died with <Signals\.SIGHUP: 1>"),
            Sign(r"terminated with signal SIGHUP"),
            Sign(r"Got termination signal: (?:Signals\.)?SIGHUP"),
        ),
        fixes=(
            Fix(
                do="Start the job inside tmux (tmux new -s train) or screen, or detached from the terminal with setsid; nohup alone is "
                "not enough for torchrun.",
            ),
        ),
        explains=(*_ECHOES, "killed-by-outer-process"),
        examples=(
            "torch.distributed.elastic.multiprocessing.api.SignalException: Process 77120 got signal: 1",
            "W0102 03:04:05.678000 140 torch/distributed/elastic/agent/server/api.py:704] Received Signals.SIGHUP death signal, shutting "
            "down workers",
        ),
        counterexamples=("torch.distributed.elastic.multiprocessing.api.SignalException: Process 77120 got signal: 15",),
    ),
    Cause(
        slug="launcher-interrupted",
        title="The launcher was interrupted with Ctrl+C (SIGINT)",
        why="torchrun got signal 2, which the keyboard (Ctrl+C) or a supervisor sends, and stopped the workers.",
        signs=(
            Sign(r"(?:SignalException.{0,60}|Process \d+ )got signal: 2(?!\d)"),
            Sign(r"Received (?:2|Signals\.SIGINT|SIGINT) death signal"),
            Sign(r"closing signal (?:Signals\.)?SIGINT"),
        ),
        fixes=(
            Fix(
                do="Nothing is wrong if you stopped it. If not, a notebook or supervisor sent the interrupt: start the job in tmux or as "
                "a batch job."
            ),
        ),
        explains=(*_ECHOES, "torchrun-child-failed"),
        consequence=True,
        examples=("torch.distributed.elastic.multiprocessing.api.SignalException: Process 900 got signal: 2",),
        counterexamples=("KeyboardInterrupt",),
    ),
    Cause(
        slug="ssh-not-passwordless",
        title="The launcher cannot log in to node {host|of the job}",
        why="pdsh, mpirun and the DeepSpeed launcher start the workers over ssh, which has to work without a password or question on "
        "every node.",
        signs=(
            Sign(
                r"(?P<host>[\w.-]{1,80}): Permission denied \(publickey",
                also=(r"pdsh|deepspeed|mpirun|ORTE|hostfile|horovod",),
                unless=(r"git@|github|gitlab",),
            ),
            Sign(
                r"(?P<host>[\w.-]{1,80}): Host key verification failed",
                also=(r"pdsh|deepspeed|mpirun|ORTE|hostfile|horovod",),
                unless=(r"git@|github|gitlab",),
            ),
            Sign(r"pdsh@\S{1,80}: (?P<host>\S{1,80}): ssh exited with exit code 255", FAIR),
            Sign(r"launcher ['\"]?pdsh['\"]? not installed"),
            Sign(r"host=(?P<host>\S{1,80}) was not reachable via ssh"),
            Sign(r"setup passwordless ssh"),
            Sign(r"Command 'ssh .{1,120}' returned non-zero exit status 255"),
            Sign(r"ORTE was unable to reliably start one or more daemons"),
            Sign(r"PRTE has lost communication with a remote daemon", FAIR),
            Sign(r"A daemon .{0,30}died unexpectedly with status \d+ while attempting to launch"),
            Sign(r"SSH was not successful on host"),
            Sign(
                r"ssh: connect to host (?P<host>\S{1,80}) port \d+: (?:Connection refused|Connection timed out|No route to host)",
                FAIR,
                also=(r"pdsh|deepspeed|mpirun|ORTE|hostfile|horovod|torchrun",),
            ),
        ),
        fixes=(
            Fix(
                do="Set up a key for ssh between the nodes (ssh-copy-id), accept the host keys once, and test that `ssh NODE hostname` "
                "asks for nothing. Install pdsh on the node that launches, or choose another launcher.",
                commands=("ssh node1 hostname",),
            ),
        ),
        examples=(
            "node7: Permission denied (publickey,password).\npdsh@head: node7: ssh exited with exit code 255",
            "RuntimeError: Using hostfile at /job/hostfile but host=node2 was not reachable via ssh. If you are running with a single node "
            "please remove /job/hostfile or setup passwordless ssh.",
            "ORTE was unable to reliably start one or more daemons.",
        ),
        counterexamples=("PermissionError: [Errno 13] Permission denied: '/data'",),
    ),
)
