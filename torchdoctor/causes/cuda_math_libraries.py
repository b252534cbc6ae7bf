"""Calls of cuFFT and cuSOLVER that fail while the program runs."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

CUFFT = Cause(
    slug="cufft-internal-error",
    title="cuFFT failed: the CUDA 11.7 build does not work on RTX 40 cards, or little GPU memory is left",
    why="The cuFFT of CUDA 11.7 and older has a fault on Ada cards (RTX 40 series); it is gone in CUDA 11.8. On other cards the same "
    "error means "
    "that cuFFT could not get memory for its plan.",
    signs=(
        Sign(r"RuntimeError: cuFFT\b", FAIR),
        Sign(r"(?:Failed to make|failed to initialize) (?:batched )?cufft (?:batched )?plan", FAIR),
        Sign(r"CUFFT_(?:INTERNAL_ERROR|ALLOC_FAILED|EXEC_FAILED|SETUP_FAILED|INVALID_PLAN)"),
        Sign(r"cuFFT error: "),
        Sign(r"CuFFTError\b", FAIR),
    ),
    fixes=(
        Fix(
            do="Install PyTorch built with CUDA 11.8 or newer (cu118, cu121, cu126, cu128).",
            commands=("pip install --upgrade torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",),
        ),
        Fix(
            do="With CUDA 11.8 or newer already: free GPU memory (smaller batch, other processes), and limit the plan cache: "
            "torch.backends.cuda.cufft_plan_cache.max_size.",
            code="torch.backends.cuda.cufft_plan_cache[0].max_size = 16",
        ),
        Fix(
            do="As a workaround compute that transform on the CPU.",
            code="spec = torch.stft(x.cpu(), n_fft, return_complex=True).to(x.device)",
        ),
    ),
    examples=(
        "F tensorflow/stream_executor/cuda/cuda_fft.cc:439] failed to initialize batched cufft plan with customized allocator: Failed to make cuFFT batched plan.",
        '  File "/srv/tts/mel.py", line 61, in mel\n    spec = torch.stft(y, n_fft)\nRuntimeError: cuFFT error: CUFFT_INTERNAL_ERROR',
    ),
    counterexamples=("MKL FFT error: Intel oneMKL DFTI ERROR: Inconsistent configuration parameters",),
)

CUSOLVER = Cause(
    slug="cusolver",
    title="A cuSOLVER call (inverse, svd, eigh, cholesky, solve) failed",
    why="PyTorch sends linear algebra on the GPU to cuSOLVER, which needs memory of its own for its handle and workspace. It fails when "
    "the card "
    "is nearly full, and in some library versions for some shapes or for input with NaN or inf.",
    signs=(
        Sign(r"CUSOLVER_STATUS_\w+"),
        Sign(r"cusolver error: "),
        Sign(r"calling .{0,2}cusolverDnCreate"),
        Sign(r"MAGMA (?:\w+ ){1,4}: (?:invalid argument|out of memory)", WEAK),
        Sign(r"cuSolver internal error"),
        Sign(r"gpusolverDn\w{0,20}\(.{0,40} failed", FAIR),
    ),
    unless=(r"undefined symbol: \w{0,20}cusolver",),
    fixes=(
        Fix(
            do="Free GPU memory before that call: smaller batch, release tensors and torch.cuda.empty_cache(), no other process on the "
            "card.",
            code="torch.cuda.empty_cache()",
        ),
        Fix(
            do='Use the other library: torch.backends.cuda.preferred_linalg_library("magma") (or "cusolver").',
            code='torch.backends.cuda.preferred_linalg_library("magma")',
        ),
        Fix(
            do="Or compute that one operation on the CPU, and check the matrix for NaN and inf.",
            code="inv = torch.inverse(a.cpu()).to(a.device)",
        ),
        Fix(do="Upgrade PyTorch (a newer CUDA build), and keep no other CUDA in LD_LIBRARY_PATH."),
    ),
    explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere", "nccl-heartbeat-monitor"),
    examples=(
        "jaxlib.xla_extension.XlaRuntimeError: INTERNAL: jaxlib/gpu/solver_handle_pool.cc:37: operation gpusolverDnCreate(&handle) failed: cuSolver internal error",
        "RuntimeError: cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR, when calling `cusolverDnCreate(handle)`",
        "RuntimeError: cusolver error: CUSOLVER_STATUS_EXECUTION_FAILED, when calling `cusolverDnSgesvdj( handle, jobz, econ, m, n, A, "
        "lda, S, U)`. If "
        "you keep seeing this error, you may use `torch.backends.cuda.preferred_linalg_library()` to try linear algebra operators with "
        "other supported "
        "backends.",
    ),
    counterexamples=(
        "torch.linalg.inv: The diagonal element 3 is zero, the inversion could not be completed because the input matrix is singular.",
    ),
)

CAUSES = (CUFFT, CUSOLVER)
