"""What watches the collectives: the watchdog, and the monitor that watches it."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="nccl-heartbeat-monitor",
        title="The heartbeat monitor ended the process: the watchdog thread itself was stuck in a CUDA or NCCL call",
        why="The monitor sees that the watchdog made no progress. Something blocks in the driver or in NCCL (a hang of the GPU or of the "
        "interconnect, a deadlock with the GIL), and every rank that waits for it hangs as well.",
        signs=(
            Sign(r"watchdog got stuck for (?P<waited>\d+) ?seconds without making progress"),
            Sign(r"Heartbeat monitor timed out"),
            Sign(r"ProcessGroupNCCL['’]s watchdog got stuck"),
            Sign(r"Terminating the process after attempting to dump debug info, due to ProcessGroupNCCL watchdog hang"),
            Sign(r"CUDA API \(e\.g\., CudaEventDestroy\) hang blocking the watchdog"),
            Sign(r"hang blocking the watchdog"),
            Sign(r"Could not acquire GIL within \d+ ms on exit, possible GIL induced hang", FAIR),
        ),
        fixes=(
            Fix(
                do="Get the stack of the odd rank while it hangs (py-spy dump --native or gdb): the rank whose queue (workMetaList) or "
                "log differs from the others, such as rank 0, shows the call that blocks.",
                commands=("py-spy dump --native --pid PID", "nvidia-smi"),
            ),
            Fix(
                do="Look for the cause beside it: Xid errors in dmesg, a broken P2P path between the GPUs (try NCCL_P2P_DISABLE=1), a "
                "rank in another collective (TORCH_DISTRIBUTED_DEBUG=DETAIL).",
                commands=("dmesg -T | grep -i xid | tail",),
            ),
            Fix(
                do="Only when the stacks show slow but real work, raise TORCH_NCCL_HEARTBEAT_TIMEOUT_SEC (or set "
                "TORCH_NCCL_ENABLE_MONITORING=0).",
                commands=("export TORCH_NCCL_HEARTBEAT_TIMEOUT_SEC=1800",),
            ),
        ),
        wrong_advice="The message proposes to disable the monitor or to raise its timeout; that only hides a real hang, so look at the "
        "stacks first.",
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "[rank5]:[F101 02:00:00.000000000 ProcessGroupNCCL.cpp:1306] [PG ID 0 PG GUID 0(default_pg) Rank 5] [PG ID 0 PG GUID "
            "0(default_pg) Rank 5] ProcessGroupNCCL's watchdog got stuck for 480 seconds without making progress in monitoring enqueued "
            "collectives.",
            "[rank0]:[E ProcessGroupNCCL.cpp:1316] [PG 0 Rank 0] Heartbeat monitor timed out! Process will be terminated after dumping "
            "debug info. workMetaList_.size()=12",
            "This typically indicates a NCCL/CUDA API (e.g., CudaEventDestroy) hang blocking the watchdog, and could be triggered by another "
            "thread holding the GIL inside a CUDA api",
        ),
        counterexamples=("INFO: heartbeat sent to scheduler",),
    ),
    Cause(
        slug="nccl-watchdog-abort",
        title="The NCCL watchdog ended this process after an earlier error",
        why="When a collective fails or times out, the watchdog thread takes the process down (SIGABRT), so that no rank goes on with "
        "broken data. The first CUDA or NCCL error above it, or on another rank, is the cause.",
        signs=(
            Sign(r"[Ww]atchdog thread terminated with exception"),
            Sign(r"To avoid (?:data inconsistency|this inconsistency), we are taking the entire process down"),
            Sign(r"Some NCCL operations have failed or timed out"),
            Sign(r"NCCL communicator (?:was )?aborted on rank (?P<aborted>\d+)"),
            Sign(r"Exception raised from ncclCommWatchdog", FAIR),
            Sign(r"Exception raised from checkForNCCLErrors", FAIR),
            Sign(r"dump debug info, due to collective timeout or exception", FAIR),
            Sign(r"ProcessGroupNCCL::(?:watchdogHandler|ncclCommWatchdog|workCleanupLoop)\(\)", WEAK),
            Sign(  # the stack of an error that the paste does not show
                r"ProcessGroupNCCL::WorkNCCL::(?:isCompleted|finishedGPUExecutionInternal|checkAndSetException)\(\)",
                FAIR,
                unless=(r"CUDA error|NCCL error|Watchdog caught|device-side assert|what\(\)",),
            ),
            Sign(r"Signal 6 \(SIGABRT\) received by PID", FAIR),
            Sign(r"died with <Signals\.SIGABRT: 6>", FAIR),
            Sign(r"terminated with signal SIGABRT", FAIR),
            Sign(r"exits with return code = -6\b", FAIR),
            Sign(r"exitcode ?: -6\b", FAIR),
            Sign(r"terminate called after throwing an instance of ['\"]c10::DistBackendError['\"]", FAIR),
            Sign(r"ProcessGroupNCCL\.cpp.{0,80}Exception \(either an error or timeout\) detected by watchdog", FAIR),
        ),
        fixes=(
            Fix(
                do="Read the first error: the earliest CUDA error, NCCL WARN line or Python traceback on any rank, before the watchdog's "
                "lines. Run with NCCL_DEBUG=INFO if there is none.",
                commands=("NCCL_DEBUG=INFO torchrun --nproc_per_node=2 train.py",),
            ),
            Fix(
                do="If a CUDA error is quoted (device-side assert, illegal memory access), rerun with CUDA_LAUNCH_BLOCKING=1 to find the "
                "operation.",
                commands=("CUDA_LAUNCH_BLOCKING=1 torchrun --nproc_per_node=2 train.py",),
            ),
        ),
        explains=("torchrun-child-failed",),
        consequence=True,
        examples=(
            "[E ProcessGroupNCCL.cpp:475] Some NCCL operations have failed or timed out. Due to the asynchronous nature of CUDA kernels, "
            "subsequent GPU operations might run on corrupted/incomplete data.\n[E ProcessGroupNCCL.cpp:481] To avoid data inconsistency, "
            "we are taking the entire process down.",
            "RuntimeError: NCCL communicator was aborted on rank 1.",
            "Exception raised from ncclCommWatchdog at ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1417 (most recent call "
            "first):\nFatal Python error: Aborted",
            "subprocess.CalledProcessError: Command '['/opt/py/bin/python', 'main.py']' died with <Signals.SIGABRT: 6>.",
            "frame #3: c10d::ProcessGroupNCCL::WorkNCCL::finishedGPUExecutionInternal() const + 0x6c (0x7f00 in /env/torch/lib/libtorch_cuda.so)\n"
            "frame #4: c10d::ProcessGroupNCCL::WorkNCCL::isCompleted() + 0x58 (0x7f00 in /env/torch/lib/libtorch_cuda.so)",
        ),
        counterexamples=("watchdog: BUG: soft lockup - CPU#3 stuck for 22s",),
    ),
)
