"""A rank was ended by a signal: who killed it."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.ranks import in_a_rank, whose
from torchdoctor.tracebacks import CRASH_FIX, CRASHED_IN

_ECHOES = ("peer-rank-died-elsewhere", "nccl-watchdog-abort", "nccl-timeout-straggler", "nccl-heartbeat-monitor", "mp-spawn-wrapper")
_FORCED = (r"forcefully exiting via (?:9|SIGKILL)", r"forcefully exitting via (?:9|SIGKILL)")

CAUSES = (
    Cause(
        slug="host-oom-killed",
        title="{who|A process} was killed with SIGKILL (signal 9): the host or the container ran out of RAM",
        why="Nothing in the program raises SIGKILL; the kernel's out-of-memory killer (or the memory limit of the container or Slurm job) "
        "does when the host memory is used up. Each rank loads its own copy of the weights and data into CPU memory, so several ranks "
        "need several times as much.",
        signs=(
            Sign(r"exitcode ?: -9\b(?:\) local_rank: (?P<local>\d+))?", unless=_FORCED, together=whose),
            Sign(r"Signal 9 \(SIGKILL\) received by PID (?P<pid>\d+)", unless=_FORCED, together=whose),
            Sign(r"exits with return code = -9\b"),
            Sign(r"died with <Signals\.SIGKILL: 9>"),
            Sign(r"terminated with signal SIGKILL"),
            Sign(r"(?:exited on|terminated by|killed by) signal 9\b"),
            Sign(r"Detected \d+ oom[-_]kill event"),
            Sign(r"killed by the cgroup out-of-memory handler"),
            Sign(r"was sent SIGKILL! Perhaps out of memory"),
            Sign(r"\bexit ?code:? {1,2}-9\b", FAIR, unless=_FORCED),
            Sign(r"terminated with (?:code |signal )?-9\b", FAIR, unless=_FORCED),
            Sign(r"shutdown with signal 9\b", FAIR),
            Sign(r"\[\d+\][+-]? {1,4}(?-i:Killed)\b", FAIR),
            Sign(r"srun: error: \S{1,60}: tasks? [\d,-]{1,40}: Killed\b", FAIR),
            Sign(r"[Ee]xceeded (?:job|step) memory limit"),
            Sign(r"slurmstepd: error: .{0,60}exceeded memory limit"),
            Sign(r"PBS: job killed: (?:mem|vmem|pmem) \d+\w{2} exceeded limit"),
            Sign(r"\bTERM_MEMLIMIT\b"),
            Sign(r"\bOUT_OF_ME(?:MORY|\+) 0:125\b"),
            Sign(r"systemd-oomd\S{0,12}: Killed\b"),
            Sign(r"oom_reaper: reaped process (?P<pid>\d+)"),
            Sign(r"may have exceeded K8s pod memory limits"),
            Sign(r"killed due to memory pressure \(OOM\)"),
            Sign(r"tried to allocate more memory than is available"),
            Sign(r"\breturn ?code:? 137\b", FAIR),
            Sign(r"(?-i:Killed): 9\b", FAIR),
            Sign(r"(?:task|step|job)s? [\d.,\[\]-]{1,40}: Out Of Memory"),
            Sign(r"Out of memory: Killed process (?P<pid>\d+)", FAIR),
            Sign(r"Killed process (?P<pid>\d+) \((?:python|pt_main_thread|ray|torchrun)[^)]{0,30}\)"),
            Sign(r"oom-kill:constraint="),
            Sign(r"(?:reason|Reason|status|State):? ?\"?OOMKilled"),
            Sign(r"\bOOMKilled\b", FAIR),
            Sign(r"killed due to (?:the node running low on memory|memory pressure)"),
            Sign(r"exit(?:ed with)?[ _]?code:? ?=? ?137\b", FAIR),
            Sign(r"exit status:? 137\b", FAIR),
            Sign(r"returncode ?= ?-9\b", FAIR),
            Sign(r"\bline \d+: \d+ (?-i:Killed)\b", FAIR),
            Sign(r"\[\d+\] (?:[+-] )?\d+ killed\b", FAIR),
            Sign(r"zsh: killed\b", FAIR),
            Sign(r"(?:s/it|it/s|B/s)\]? (?-i:Killed)\b", FAIR),
            Sign(r"\**(?-i:Killed)\**", FAIR, alone=True),  # what a shell prints
            Sign(r"session crashed after using all available RAM", FAIR),
        ),
        fixes=(
            Fix(
                do="Confirm it in the kernel log, then give the job more RAM (host memory, not GPU memory): a larger machine, a higher "
                "memory limit of the container or Slurm job (--mem), more swap.",
                commands=("dmesg -T | grep -i -E 'out of memory|oom-kill|killed process' | tail", "free -h"),
            ),
            Fix(
                do="Or use less CPU memory per rank: from_pretrained(low_cpu_mem_usage=True), load the weights on one rank only (FSDP "
                "sync_module_states, ZeRO-3 init), fewer DataLoader workers, no offload of optimizer or parameters to the CPU, fewer "
                "processes per node, smaller in-memory datasets (mmap).",
                code="model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16, low_cpu_mem_usage=True)",
            ),
        ),
        explains=(*_ECHOES, "killed-by-outer-process"),
        examples=(
            "WARNING:torch.distributed.elastic.multiprocessing.api:Sending process 310 closing signal "
            "SIGTERM\nERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: -9) local_rank: 1 (pid: 311) of binary: "
            "/usr/bin/python3",
            "  rank      : 5 (local_rank: 5)\n  exitcode  : -9 (pid: 9120)\n  error_file: <N/A>\n  traceback : Signal 9 (SIGKILL) "
            "received by PID 9120",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=88123.0. Some of the step tasks have been OOM Killed.",
            "[2024-03-03 11:20:04,551] [ERROR] [launch.py:321:sigkill_handler] ['/usr/bin/python', '-u', 'sft.py', '--local_rank=7'] "
            "exits with return code = -9",
            "$ python chat.py --model 13b\nLoading the weights\nKilled",
            "[1]    4411 killed     python chat.py",
            "train.sh: line 7:  8123 Killed                  python tune.py --epochs 2",
            "=>> PBS: job killed: mem 34000000kb exceeded limit 33554432kb",
            "[1]+  Killed                  python train.py",
            "[2024-03-03 11:20:04 +0000] [7] [CRITICAL] Worker (pid:35) was sent SIGKILL! Perhaps out of memory?",
            "ERROR 02-02 11:20:04 multiproc_worker_utils.py:120] Worker VllmWorkerProcess pid 2211 died, exit code: -9",
            "srun: error: gn03: task 5: Killed",
            "slurmstepd: error: Exceeded job memory limit at some point.",
            "ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.\nThe actor is dead because its worker process "
            "has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker exits unexpectedly. Worker exits with an exit code None. The "
            "worker may have exceeded K8s pod memory limits.",
            "Loading checkpoint shards:  50%|#####     | 2/4 [00:31<00:30, 15.2s/it]\nKilled",
        ),
        counterexamples=(
            "  exitcode  : 1 (pid: 9120)\n  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html",
            "Unable to shutdown process 410 via 15, forcefully exiting via 9\nexitcode  : -9 (pid: 410)",
            "shutting down\nAll old workers Killed",
        ),
    ),
    Cause(
        slug="rank-segfault",
        title="{who|A rank} crashed in native code (SIGSEGV, signal 11)",
        why="A segmentation fault comes from a compiled library, not from Python code, so there is no traceback: mostly binary packages "
        "that do not fit each other (torch, an extension, CUDA, UCX/MPI) or a fault of a data library.",
        signs=(
            Sign(r"exitcode ?: -11\b(?:\) local_rank: (?P<local>\d+))?", together=whose),
            Sign(r"Signal 11 \(SIGSEGV\) received by PID (?P<pid>\d+)", together=whose),
            Sign(r"exits with return code = -11\b"),
            Sign(r"terminated with signal SIGSEGV"),
            Sign(r"died with <Signals\.SIGSEGV: 11>"),
            Sign(r"[Ee]xited (?:on|with) signal 11 \(Segmentation fault\)"),
            Sign(r"srun: error: \S{1,60}: tasks? [\d,-]{1,40}: Segmentation fault"),
            Sign(r"Segfault encountered !{3,}", FAIR, together=in_a_rank),
            Sign(r"mpirun failed with exit code 139"),
            Sign(r"\bexit ?code:? {1,2}-11\b", FAIR),
            Sign(r"terminated with (?:code |signal )?-11\b", FAIR),
            Sign(r"SIGSEGV \(@0x[0-9a-f]+\) received by PID", FAIR, together=in_a_rank),
            Sign(r"Caught signal 11 \(Segmentation fault", FAIR),
            Sign(r"Signal: Segmentation fault \(11\)", FAIR),
            Sign(r"Fatal Python error: Segmentation fault", FAIR, together=in_a_rank),
            Sign(r"Fatal Python error: Segmentation fault .{0,120}" + CRASHED_IN, FAIR, together=in_a_rank),
            Sign(r"Fatal Python error: Segmentation fault .{0,120}" + CRASHED_IN, FAIR, also=(r"exitcode ?: -11\b",)),
        ),
        fixes=(
            CRASH_FIX,
            Fix(
                do="Find the library that crashes: PYTHONFAULTHANDLER=1 prints the Python stack of each rank at the crash, gdb shows the "
                "native one.",
                commands=("PYTHONFAULTHANDLER=1 torchrun --nproc_per_node=2 train.py", "gdb -batch -ex run -ex bt --args python train.py"),
            ),
            Fix(
                do="Then use packages that were built for each other: reinstall torch and the compiled extensions (flash-attn, apex, "
                "mpi4py, bitsandbytes) in a clean environment with matching versions, and update the driver; if UCX or MPI frames "
                "show, use the versions that belong to the same MPI installation."
            ),
            Fix(
                do="To tell which part crashes, switch them off one by one: UCX_TLS=tcp (MPI with UCX), NCCL_P2P_DISABLE=1, "
                "NCCL_SHM_DISABLE=1, num_workers=0.",
                commands=("NCCL_P2P_DISABLE=1 NCCL_SHM_DISABLE=1 torchrun --nproc_per_node=2 train.py",),
            ),
        ),
        refines=("native-segfault",),
        explains=_ECHOES,
        examples=(
            "ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: -11) local_rank: 0 (pid: 8121) of binary: "
            "/opt/env/bin/python",
            "[n1:2201 :0:2201] Caught signal 11 (Segmentation fault: address not mapped to object at address 0x55)",
            "srun: error: gn11: task 2: Segmentation fault (core dumped)",
            "[rank2]: Fatal Python error: Segmentation fault\n[rank2]: \n[rank2]: Current thread 0x00007f1c2a3fe740 (most recent call first):\n"
            '[rank2]:   File "/srv/env/lib/python3.10/site-packages/torch/nn/modules/conv.py", line 456 in _conv_forward\n'
            '[rank2]:   File "/srv/job/net.py", line 33 in forward',
        ),
        counterexamples=("  exitcode  : -6 (pid: 8121)",),
    ),
    Cause(
        slug="rank-sigbus-shm",
        title="{who|A rank} died of a bus error (SIGBUS, signal 7): shared memory or a memory-mapped file is at its end",
        why="A page of /dev/shm or of a mapped file could not be provided: the shared memory of the container is too small (64 MB by "
        "default in Docker), or a file mapped by mmap (lmdb, arrow, safetensors) was cut short or lies on a full or failing file "
        "system.",
        signs=(
            Sign(r"exitcode ?: -7\b(?:\) local_rank: (?P<local>\d+))?", together=whose),
            Sign(r"Signal 7 \(SIGBUS\) received by PID (?P<pid>\d+)", together=whose),
            Sign(r"Signal 10 \(SIGBUS\) received by PID (?P<pid>\d+)"),
            Sign(r"exits with return code = -7\b"),
            Sign(r"terminated with signal SIGBUS"),
            Sign(r"died with <Signals\.SIGBUS: \d+>"),
            Sign(r"exited on signal 7 \(Bus error"),
            Sign(r"Caught signal 7 \(Bus error"),
            Sign(r"Signal: Bus error \(7\)"),
            Sign(r"\bBus error \(core dumped\)", FAIR),
            Sign(r"zsh: bus error\b", FAIR),
            Sign(r"总线错误", FAIR),
            Sign(r"\[\d+\] (?:[+-] )?\d+ bus error\b", FAIR),
            Sign(r"srun: error: \S{1,60}: tasks? [\d,-]{1,40}: Bus error", FAIR),
            Sign(r"\bexit(?:ed with)?(?: status)? code:? 135\b", FAIR),
            Sign(r"\bline \d+: \d+ Bus error\b", FAIR),
            Sign(r"Fatal Python error: Bus error", FAIR),
        ),
        fixes=(
            Fix(
                do="Give the container more shared memory (shm): docker run --shm-size=16g or --ipc=host; in Kubernetes mount an emptyDir "
                "with medium: Memory at /dev/shm.",
                commands=("df -h /dev/shm", "docker run --gpus all --shm-size=16g IMAGE"),
            ),
            Fix(
                do="Use fewer DataLoader workers, and check the file systems of memory-mapped (mmap) data such as lmdb or arrow files: "
                "not truncated, disk not full, no network file system error."
            ),
        ),
        explains=_ECHOES,
        examples=(
            "  rank      : 2 (local_rank: 2)\n  exitcode  : -7 (pid: 5120)\n  error_file: <N/A>\n  traceback : Signal 7 (SIGBUS) received "
            "by PID 5120",
            "job.sh: line 3:   977 Bus error               (core dumped) python tune.py",
        ),
        counterexamples=("  exitcode  : -11 (pid: 5120)",),
    ),
)
