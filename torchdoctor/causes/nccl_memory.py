"""NCCL's memory and the errors that it does not explain."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_KNOWN = (
    r"out of memory|No space left|no socket interface|Duplicate GPU|insufficient for CUDA runtime|ibv_|NET/IB|peer access|/dev/shm",
    r"Connection closed|Connection reset|Broken pipe",
)

CAUSES = (
    Cause(
        slug="nccl-init-gpu-oom",
        title="NCCL could not allocate its buffers: the GPU is full",
        why="NCCL needs some hundred MB of GPU memory for its own buffers, outside of torch's allocator, when a communicator is created "
        "or first used. On this rank nothing was left, which shows as 'unhandled cuda error'.",
        signs=(
            Sign(r"NCCL WARN Cuda failure (?:\d+ )?['\"]out of memory['\"]"),
            Sign(r"NCCL WARN Failed to CUDA (?:m|c)alloc (?:async )?\d+ bytes"),
            # NCCL's first versions did not write its name
            Sign(r"\.(?:cu|cc|h):\d+ WARN Cuda failure (?:\d+ )?['\"]out of memory['\"]"),
            Sign(r"Failed to CUDA (?:m|c)alloc(?: async)? (?P<bytes>\d+) bytes"),
            Sign(r"(?:NCCL|Nccl|nccl).{0,400}Cuda failure (?:\d+ )?['\"]out of memory['\"]"),
            Sign(r"(?:ncclUnhandledCudaError|unhandled cuda error).{0,400}out of memory", FAIR),
            Sign(r"NCCL WARN Cuda failure.{0,20}CUDA_ERROR_OUT_OF_MEMORY"),
            Sign(r"Last error: Cuda failure (?:\d+ )?['\"]out of memory['\"]"),
            Sign(r"Failed to CUDA host alloc \d+ bytes"),
        ),
        unless=(r"Tried to allocate",),
        fixes=(
            Fix(
                do="Free GPU memory on that rank: smaller batch or shards, end other processes on the card (nvidia-smi), and make sure "
                "that the ranks do not all use GPU 0 (torch.cuda.set_device(local_rank)).",
                commands=("nvidia-smi",),
            ),
            Fix(
                do="Create the communicator before the model fills the card (a first dist.barrier() after set_device), and give NCCL "
                "smaller buffers with NCCL_BUFFSIZE or fewer channels with NCCL_MAX_NCHANNELS.",
                commands=("export NCCL_BUFFSIZE=1048576",),
            ),
        ),
        refines=("nccl-unhandled-cuda-error",),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere", "nccl-timeout-straggler"),
        examples=(
            "w0:55:91 [1] enqueue.cc:920 NCCL WARN Cuda failure 'out of memory'",
            "ncclUnhandledCudaError: Call to CUDA function failed.\nLast error:\nCuda failure 'out of memory'",
            "ncclUnhandledCudaError: Call to CUDA function failed.\nLast error:\nFailed to CUDA calloc async 608 bytes",
        ),
        counterexamples=("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",),
    ),
    Cause(
        slug="nccl-shm-too-small",
        title="NCCL could not create its shared memory: /dev/shm is too small",
        why="Between GPUs of one machine NCCL uses segments in /dev/shm. A container gets 64 MB there by default, which is not enough for "
        "several ranks.",
        signs=(
            Sign(r"Call to posix_fallocate failed ?: No space left on device"),
            Sign(r"Error while creating shared memory segment (?P<path>/dev/shm/nccl\S{0,60})"),
            Sign(r"Error while creating shared memory segment", FAIR, unless=(r"Permission denied", "Too many open files")),
            Sign(r"(?:shm_open|ftruncate|fallocate).{0,80}No space left on device", also=(r"NCCL|nccl",)),
            Sign(r"/dev/shm/nccl.{0,120}(?:No space left|No such file|Cannot allocate)"),
            Sign(r"NCCL WARN .{0,80}unable to allocate (?:shared|requested) memory", FAIR),
            Sign(r"include/shm\.h:\d+ NCCL WARN", FAIR),
            Sign(r"misc/shmutils\.cc:\d+ NCCL WARN", FAIR),
            Sign(r"failed to extend (?P<segment>/dev/shm/nccl-\S{1,40})"),
            Sign(r"Error: failed to extend /dev/shm"),
            Sign(r"unlink shared memory /dev/shm/nccl", FAIR),
            Sign(r"Error while attaching to shared memory segment", FAIR),
            Sign(r"NCCL INFO (?:misc/shmutils|transport/shm)\.cc:\d+ -> [1-9]", FAIR),
            Sign(r"\bncclShm(?:Open|Setup)\b.{0,80}(?:[Ee]rror|fail)", FAIR),
            Sign(
                r"\bshm (?:64M \d\S{0,6} \S{1,8} \d{1,3}%|6[45]\d{3} .{1,30}\d{1,3}%) /dev/shm",
                FAIR,
                also=(r"unhandled system error|ncclSystemError|NCCL WARN|NCCL error",),
            ),
        ),
        fixes=(
            Fix(
                do="Give the container more shared memory (shm): docker run --shm-size=8g or --ipc=host; in Kubernetes mount an emptyDir "
                "with medium: Memory at /dev/shm.",
                commands=("df -h /dev/shm", "docker run --gpus all --shm-size=8g IMAGE", "docker run --gpus all --ipc=host IMAGE"),
            ),
            Fix(
                do="Remove segments left over from killed jobs (/dev/shm/nccl-*); as a test only, NCCL_SHM_DISABLE=1 goes through the "
                "network instead.",
                commands=("ls -l /dev/shm",),
            ),
        ),
        refines=("nccl-unhandled-system-error",),
        explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "c1:21:60 [2] include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device",
            "ncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error.\nLast error:\nError "
            "while creating shared memory segment /dev/shm/nccl-h9Zq2p (size 9637888)",
            "c1:21:60 [2] misc/shmutils.cc:87 NCCL WARN Error: failed to extend /dev/shm/nccl-03v824 to 4194660 bytes, error: No space left "
            "on device (28)",
            "shm              64M     0   64M   0% /dev/shm\nRuntimeError: NCCL error in: ProcessGroupNCCL.cpp:911, unhandled system error",
        ),
        counterexamples=("OSError: [Errno 28] No space left on device: '/data/ckpt/model.pt'",),
    ),
    Cause(
        slug="nccl-unhandled-system-error",
        title="A system call of NCCL failed (unhandled system error); the message does not say which",
        why="ncclSystemError covers sockets, shared memory, InfiniBand and more. The line 'NCCL WARN' just before it, which NCCL prints "
        "with NCCL_DEBUG=WARN or INFO, names the call.",
        signs=(
            Sign(r"unhandled system error", unless=_KNOWN, strength=FAIR),
            Sign(r"ncclSystemError", unless=_KNOWN, strength=FAIR),
        ),
        fixes=(
            Fix(
                do="Run again with NCCL_DEBUG=INFO and read the first NCCL WARN line: it names the failing call.",
                commands=("NCCL_DEBUG=INFO torchrun --nproc_per_node=2 train.py",),
            ),
            Fix(
                do="Most common: /dev/shm too small in a container (docker run --shm-size=8g or --ipc=host), or the wrong network "
                "interface (NCCL_SOCKET_IFNAME, NCCL_IB_DISABLE=1 as a test).",
                commands=("df -h /dev/shm", "ip -br addr"),
            ),
        ),
        explains=("nccl-watchdog-abort",),
        examples=(
            "RuntimeError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1269, unhandled system error, NCCL version "
            "2.14.3\nncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error.",
        ),
        counterexamples=("OSError: system error",),
    ),
    Cause(
        slug="nccl-unhandled-cuda-error",
        title="A CUDA call of NCCL failed (unhandled cuda error); the message does not say which",
        why="ncclUnhandledCudaError covers memory, driver, peer-to-peer and device faults. The NCCL WARN line before it, or 'Last error', "
        "names the CUDA failure.",
        signs=(
            Sign(r"unhandled cuda error", FAIR, unless=_KNOWN),
            Sign(r"ncclUnhandledCudaError", FAIR, unless=_KNOWN),
            Sign(r"NCCL WARN Cuda failure", WEAK, unless=_KNOWN),
        ),
        fixes=(
            Fix(
                do="Run again with NCCL_DEBUG=INFO and read the first NCCL WARN line: it names the CUDA failure (out of memory, "
                "insufficient driver, invalid device, peer access).",
                commands=("NCCL_DEBUG=INFO torchrun --nproc_per_node=2 train.py",),
            ),
            Fix(
                do="Most common: the GPU of that rank is full or used by another process (nvidia-smi), two ranks share a GPU "
                "(torch.cuda.set_device(local_rank) missing), the driver is too old for this CUDA build, or P2P is broken (try "
                "NCCL_P2P_DISABLE=1).",
                commands=("nvidia-smi",),
            ),
        ),
        explains=("nccl-watchdog-abort",),
        examples=("RuntimeError: NCCL error in: ../torch/lib/c10d/ProcessGroupNCCL.cpp:784, unhandled cuda error, NCCL version 2.7.8",),
        counterexamples=("RuntimeError: CUDA error: invalid argument",),
    ),
)
