"""CUDA calls that were refused: arguments, handles, sharing between processes, and rarer libraries."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

_AFTER = ("nccl-watchdog-abort", "peer-rank-died-elsewhere", "nccl-heartbeat-monitor")
_BLOCKING = Fix(
    do="Find the real call: rerun with CUDA_LAUNCH_BLOCKING=1.",
    commands=("CUDA_LAUNCH_BLOCKING=1 python your_script.py",),
)

ARGUMENT = Cause(
    slug="cuda-invalid-argument",
    title="A CUDA call got an argument that it does not accept",
    why="The driver or runtime refused the arguments of a call. Usual reasons: memory that is shared between processes while "
    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True is set, a driver older than the feature, a tensor of size zero in a custom kernel, "
    "or a wrong device or stream.",
    signs=(
        Sign(r"CUDA error: invalid argument"),
        Sign(r"CUDA driver error: invalid argument"),
        Sign(r"Triton Error \[CUDA\]: invalid argument"),
        Sign(r"CUDA error: invalid device pointer"),
        Sign(r"cuda runtime error \((?:11|1)\) ?: invalid argument"),
        Sign(r"Cuda error \S{1,160}:\d+ .invalid argument", FAIR),
    ),
    fixes=(
        _BLOCKING,
        Fix(
            do="If CUDA tensors go between processes (vLLM, RL trainers, CUDA IPC), unset expandable_segments.",
            commands=("unset PYTORCH_CUDA_ALLOC_CONF",),
        ),
        Fix(
            do="Update driver, PyTorch and the extension that makes the call; check for empty tensors and that all are on the current "
            "device."
        ),
    ),
    explains=_AFTER,
    examples=(
        "RuntimeError: CUDA error: invalid argument\nCUDA kernel errors might be asynchronously reported at some other API call",
        "Failed: Cuda error /workspace/csrc/my_reduce.cuh:455 'invalid argument'",
    ),
    counterexamples=("RuntimeError: CUDA error: invalid configuration argument", "error: invalid argument --cuda"),
)

HANDLE = Cause(
    slug="cuda-invalid-resource-handle",
    title="A CUDA stream, event or module of another device or process was used",
    why="Streams, events and loaded kernels belong to one device and one process. A custom or Triton kernel launched while another "
    "device is current, or anything "
    "taken over a fork, is an invalid handle.",
    signs=(
        Sign(r"CUDA error: invalid resource handle"),
        Sign(r"\]: invalid (?:resource handle|device context)", also=(r"Triton Error",)),
        Sign(r"cudaErrorInvalidResourceHandle"),
        Sign(r"CUDA_ERROR_INVALID_HANDLE"),
        Sign(r"CUDA error: context is destroyed"),
        Sign(r"CUDA error: invalid device context"),
    ),
    fixes=(
        Fix(
            do="Make the tensor's device the current one before the kernel is launched.",
            code="with torch.cuda.device(x.device):\n    y = custom_op(x)",
        ),
        Fix(
            do="In child processes use the spawn start method and create streams and events there.",
            code='torch.multiprocessing.set_start_method("spawn")',
        ),
    ),
    explains=_AFTER,
    examples=("RuntimeError: CUDA error: invalid resource handle",),
    counterexamples=("OSError: [WinError 6] The handle is invalid",),
)

IPC = Cause(
    slug="cuda-ipc-not-permitted",
    title="Another process of the job was not allowed to take over GPU memory",
    why="With expandable_segments, GPU memory is shared through pidfd_getfd, which needs the right to trace the other process. "
    "Containers usually forbid it.",
    signs=(
        Sign(r"pidfd_getfd.{0,40}(?:Operation not permitted|Function not implemented|failed)"),
        Sign(r"pidfd_open.{0,40}(?:Operation not permitted|failed)"),
        Sign(r"failed to open CUDA IPC handle", FAIR, unless=(r"NCCL (?:WARN|INFO)",)),
        Sign(r"pidfd_open syscall needed to use IPC"),
        Sign(r"pidfd_getfd: \w"),
    ),
    fixes=(
        Fix(do="Do not use expandable_segments in processes that share CUDA tensors.", commands=("unset PYTORCH_CUDA_ALLOC_CONF",)),
        Fix(
            do="Or allow it: start the container with --cap-add=SYS_PTRACE (and one PID namespace for the processes that share).",
            who="admin",
        ),
        Fix(
            do="Where the kernel lacks these calls (pidfd_open before 5.3, pidfd_getfd before 5.6): a newer Linux kernel, or expandable_segments:False.",
            who="admin",
        ),
    ),
    explains=_AFTER,
    examples=(
        "RuntimeError: pidfd_getfd: Operation not permitted",
        "RuntimeError: The kernel on this machine does not support the pidfd_open syscall needed to use IPC for CUDA tensors when expandable_segments:True is set. Consider using expandable_segments:False via torch.cuda.memory._set_allocator_settings('expandable_segments:False') for this allocation.",
        "RuntimeError: pidfd_getfd: Bad file descriptor",
    ),
    counterexamples=("mount: Operation not permitted",),
)

OTHER_LIBRARIES = Cause(
    slug="cuda-math-library-failed",
    title="A call of cuSPARSE, cuRAND or cuBLASLt failed",
    why="The library could not run: too little free GPU memory for its workspace, an earlier kernel fault, or a build that does not fit "
    "the GPU.",
    signs=(Sign(r"CUSPARSE_STATUS_\w+ when calling"), Sign(r"CURAND_STATUS_\w+"), Sign(r"cuSPARSELt .{0,40}STATUS_\w+", FAIR)),
    fixes=(
        Fix(do="Free GPU memory: smaller batch, no other process on the card.", commands=("nvidia-smi",)),
        _BLOCKING,
        Fix(do="Use a newer PyTorch build whose CUDA version supports this GPU."),
    ),
    explains=_AFTER,
    examples=("RuntimeError: CUDA error: CUSPARSE_STATUS_INTERNAL_ERROR when calling `cusparseSpMM( handle, opA, opB)`",),
    counterexamples=("undefined symbol: cusparseSpMM",),
)

MIOPEN = Cause(
    slug="miopen-failed",
    title="MIOpen, AMD's convolution library, failed",
    why="MIOpen could not compile or find a kernel for this convolution: an unsupported GPU, a stale or unwritable kernel cache, or "
    "missing ROCm parts.",
    signs=(
        Sign(r"miopenStatus(?!Success|_t\b)\w+"),
        Sign(r"MIOpen Error: "),
        Sign(r"MIOpen\(HIP\): Error", FAIR),
        Sign(r"MIOPEN_STATUS_(?!SUCCESS)\w+"),
        Sign(r"No invoker was registered for convolution"),
        Sign(r"gemm_v2\.cpp:\d+: rocBlas error"),
        Sign(r"find a suitable algorithm for doing (?:forward|backward)", FAIR),
    ),
    fixes=(
        Fix(do="Delete MIOpen's caches and make sure that they can be written.", commands=("rm -rf ~/.cache/miopen ~/.config/miopen",)),
        Fix(
            do="Use a ROCm build of PyTorch that supports this GPU, and update ROCm; on unsupported consumer chips "
            "HSA_OVERRIDE_GFX_VERSION of the nearest relative."
        ),
        Fix(do="As a test MIOPEN_FIND_MODE=FAST or torch.backends.cudnn.enabled = False.", commands=("export MIOPEN_FIND_MODE=FAST",)),
    ),
    explains=_AFTER,
    examples=(
        "RuntimeError: miopenStatusUnknownError",
        "miopenConvolutionForward returned MIOPEN_STATUS_UNKNOWN_ERROR",
        "convolutionocl.cpp:526: No invoker was registered for convolution forward. Was find executed?",
    ),
    counterexamples=("MIOpen(HIP): Warning [IsEnoughWorkspace] Solver <GemmFwdRest>, workspace required: 1",),
)

CAUSES = (ARGUMENT, HANDLE, IPC, OTHER_LIBRARIES, MIOPEN)
