"""Calls of cuBLAS and cuDNN that fail while the program runs."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign

_AFTER = ("nccl-watchdog-abort", "peer-rank-died-elsewhere", "nccl-heartbeat-monitor")
_FREE = Fix(
    do="Free GPU memory: smaller batch size or sequence, stop other processes on the card (nvidia-smi), and leave some memory to the "
    "libraries "
    "where a framework reserves a fraction (for example a lower gpu_memory_utilization).",
    commands=("nvidia-smi",),
)
_BLOCKING = Fix(
    do="To exclude an earlier kernel error, check indices and labels against their range: rerun with CUDA_LAUNCH_BLOCKING=1 or run one "
    "batch on the "
    "CPU.",
    commands=("CUDA_LAUNCH_BLOCKING=1 python your_script.py",),
)
_NEWER_BUILD = Fix(
    do="Install a PyTorch build whose CUDA version supports this GPU and fits the driver (compare torch.version.cuda, "
    "torch.cuda.get_arch_list() and the card's compute capability).",
    commands=("pip install --upgrade torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",),
    when="os!=macos",
)

NOT_INITIALIZED = Cause(
    slug="cublas-not-initialized",
    title="cuBLAS could not create its handle, most often because no GPU memory is left",
    why="cublasCreate needs some GPU memory of its own, outside of PyTorch's cache. When the card is full, or the CUDA context was "
    "already broken "
    "by an earlier kernel error, the first matrix product fails like this.",
    signs=(
        Sign(r"\bcublasCreate(?:_v2)?\(", FAIR),
        Sign(r"CUBLAS_STATUS_(?:NOT_INITIALIZED|ALLOC_FAILED)"),
        Sign(r"cublas runtime error : library not initialized"),
        Sign(r"cublas runtime error : resource allocation failed"),
        Sign(r"calling .{0,2}cublasCreate\("),
        Sign(r"CUBLAS error: not initialized", FAIR),
        Sign(r"CUBLAS_STATUS_ALLOC_FAILED"),
        Sign(r"failed to create cublas handle"),
        Sign(r"StreamExecutor without BLAS support"),
        Sign(r"the library was not initialized", FAIR, also=(r"(?:cublas|CUDA)",)),
        Sign(r"the resource allocation failed", FAIR, also=(r"(?:cublas|CUDA)",)),
        Sign(r"cublas\w{0,20} (?:error|failure).{0,40}(?:not initialized|allocation failed)", FAIR),
    ),
    unless=(r"device-side assert triggered", r"Assertion .{0,80} failed\. .{0,20}cublas"),
    fixes=(_FREE, _BLOCKING, _NEWER_BUILD),
    explains=_AFTER,
    decide="nvidia-smi",
    examples=(
        "E tensorflow/stream_executor/cuda/cuda_blas.cc:226] failed to create cublas handle: CUBLAS_STATUS_NOT_INITIALIZED",
        "CUDA error: the library was not initialized\n  current device: 0, in function cublas_handle at ggml-cuda/common.cuh:950",
        '  File "/opt/env/lib/python3.10/site-packages/torch/nn/modules/linear.py", line 114, in forward\n    return F.linear(input, '
        "self.weight, "
        "self.bias)\nRuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "RuntimeError: cublas runtime error : resource allocation failed at /pytorch/aten/src/THC/THCGeneral.cpp:216",
    ),
    counterexamples=("cublas handle created",),
)

EXECUTION_FAILED = Cause(
    slug="cublas-execution-failed",
    title="A cuBLAS call failed: the build does not fit the GPU, memory is short, or an earlier kernel had already failed",
    why="cuBLAS reports that its kernel could not run. Usual reasons are a PyTorch/CUDA build that does not support the card well, no "
    "free memory, "
    "or a fault of an earlier kernel (an index out of range) that shows up here.",
    signs=(
        Sign(r"CUBLAS_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR|ARCH_MISMATCH)"),
        Sign(r"cublas runtime error : the GPU program failed to execute"),
        Sign(r"cublas runtime error : an internal operation failed"),
        Sign(r"cublas runtime error : an access to GPU memory space failed"),
        Sign(r"the function failed to launch on the GPU"),
        Sign(r"(?:CUDA|cuBLAS) error.{0,80}: an internal operation failed"),
        Sign(r"absent device architectural feature is required"),
        Sign(r"Blas \w{0,16} launch failed"),
        Sign(r"cublasLt ran into an error", FAIR),
        Sign(r"cuBLAS API failed with status 1[134]\b"),
        Sign(r"cublas error:? 1[34]\b"),
        Sign(r"cublas runtime error : unknown error", FAIR),
    ),
    fixes=(
        Fix(
            do="Install a PyTorch build with a CUDA version that supports this GPU (RTX 30 and newer need CUDA 11, RTX 40 and H100 11.8, "
            "RTX 50 and "
            "B200 12.8) and a driver for it.",
            commands=("pip install --upgrade torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",),
        ),
        _BLOCKING,
        _FREE,
        Fix(
            do="If a second CUDA is on LD_LIBRARY_PATH, take it out (unset LD_LIBRARY_PATH), so that the cuBLAS that came with PyTorch "
            "is loaded."
        ),
    ),
    explains=_AFTER,
    examples=(
        "Error: Cublas Error: 13 - /src/tensors/gpu/prod.cpp:118: cublasGemmEx(handle, transa, transb, m, n, k)",
        "cuBLAS error 13 at /build/ggml-cuda.cu:6120: the function failed to launch on the GPU",
        "InternalError: Blas GEMM launch failed : a.shape=(32, 512), b.shape=(512, 10), m=32, n=10, k=512",
        "Exception: cublasLt ran into an error!",
        "RuntimeError: cublas runtime error : the GPU program failed to execute at /pytorch/aten/src/THC/THCBlas.cu:259",
        "RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, opa, opb, m, n, k, &alpha, a, lda, "
        "b, ldb, &beta, "
        "c, ldc)`",
        "RuntimeError: CUDA error: CUBLAS_STATUS_INTERNAL_ERROR when calling `cublasGemmEx( handle, opa, opb, m, n, k, &falpha, a, "
        "CUDA_R_16F, lda)`",
    ),
    counterexamples=("CUBLAS_WORKSPACE_CONFIG=:4096:8",),
)

INVALID_VALUE = Cause(
    slug="cublas-invalid-value",
    title="A cuBLAS of another version was loaded and rejects PyTorch's call",
    why="PyTorch brings its own cuBLAS. When LD_LIBRARY_PATH names another CUDA toolkit, that one is loaded first; its handling of the "
    "arguments "
    "differs and it answers CUBLAS_STATUS_INVALID_VALUE.",
    signs=(
        Sign(r"cuBLAS API failed with status 7\b"),
        Sign(r"CUBLAS_STATUS_INVALID_VALUE"),
        Sign(r"cublas runtime error : an unsupported value or parameter"),
        Sign(r"an unsupported value or parameter was passed to the function"),
    ),
    fixes=(
        Fix(
            do="Unset LD_LIBRARY_PATH (or remove the second CUDA toolkit from it) and start again, so that the cuBLAS that came with "
            "PyTorch is used.",
            commands=("unset LD_LIBRARY_PATH",),
            when="os!=windows",
        ),
        Fix(
            do="Check that only one cuBLAS is installed and that it is the version this PyTorch asks for; reinstall PyTorch in a clean "
            "environment if "
            "nvidia-cublas was upgraded by another package. Also make sure that LD_LIBRARY_PATH does not name another CUDA.",
            commands=("python -m pip list | grep -i -e torch -e nvidia-cublas",),
        ),
        Fix(do="If it happens for one shape only: make the inputs contiguous and check that no dimension is zero."),
    ),
    explains=_AFTER,
    refines=("cublas-library-conflict",),
    examples=(
        "cuBLAS API failed with status 7",
        "CUDA error: an unsupported value or parameter was passed to the function\n  current device: 0, in function ggml_cuda_op_mul_mat_cublas",
        "RuntimeError: CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm( handle, opa, opb, m, n, k, &alpha, a, lda, b, "
        "ldb, &beta, c, "
        "ldc)`",
    ),
    counterexamples=("ValueError: invalid value for cublas workspace",),
)

NOT_SUPPORTED = Cause(
    slug="cublas-not-supported",
    title="cuBLAS has no implementation of this product for this GPU and data type",
    why="The data type of the product (bfloat16, FP8, int8) or its shape is not supported by this GPU or by the cuBLAS version in use.",
    refines=("cublas-execution-failed",),
    signs=(
        Sign(r"CUBLAS_STATUS_NOT_SUPPORTED"),
        Sign(r"cublas runtime error : the requested feature is not supported"),
        Sign(r"the functionality requested is not supported", FAIR, also=(r"(?:cublas|CUDA)",)),
        Sign(r"the requested functionality is not supported", FAIR, also=(r"cublas",)),
        Sign(r"cuBLAS API failed with status 15\b"),
    ),
    fixes=(
        Fix(
            do="Use a data type that the card has: float16 or float32 instead of bfloat16 before compute capability 8.0, no FP8 before 8.9."
        ),
        Fix(do="Pad the matrix dimensions to multiples of 16 for FP8 and int8 products."),
        _NEWER_BUILD,
    ),
    explains=_AFTER,
    examples=(
        "cuBLAS API failed with status 15\nerror detected\nException: cublasLt ran into an error!",
        "RuntimeError: CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasGemmEx( handle, opa, opb, m, n, k, &falpha, a, "
        "CUDA_R_16BF, lda, b)`",
    ),
    counterexamples=("operation not supported",),
)

CUDNN = Cause(
    slug="cudnn-execution-failed",
    title="A cuDNN call failed: an old build on a newer GPU, or no memory for its workspace",
    why="cuDNN could not run its kernel. A build that is older than the GPU has no working kernel for it; a full card leaves no room for "
    "the "
    "workspace; and a kernel error from earlier can surface here.",
    signs=(
        Sign(r"CUDNN_STATUS_(?:EXECUTION_FAILED|MAPPING_ERROR|BAD_PARAM)", STRONG),
        Sign(r"CUDNN_STATUS_INTERNAL_ERROR", FAIR, unless=(r"cudnnCreate", r"create cudnn handle", r"CUDNN_STATUS_NOT_INITIALIZED")),
        Sign(r"CUDNN_STATUS_ALLOC_FAILED", STRONG),
        Sign(r"CuDNN error: CUDNN_STATUS_SUCCESS"),
    ),
    unless=(r"CUDNN_STATUS_(?:SUBLIBRARY_)?VERSION_MISMATCH",),
    fixes=(
        Fix(
            do="Install a newer PyTorch build whose CUDA and cuDNN support this GPU (and a driver that fits), and keep no other cuDNN in "
            "LD_LIBRARY_PATH.",
            commands=("pip install --upgrade torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",),
        ),
        Fix(
            do="Free GPU memory: a smaller batch size, no other process on the card; torch.backends.cudnn.benchmark = False needs less "
            "workspace.",
            commands=("nvidia-smi",),
        ),
        Fix(
            do="As a workaround only: torch.backends.cudnn.enabled = False (slower) shows whether cuDNN itself is at fault.",
            code="torch.backends.cudnn.enabled = False",
        ),
        _BLOCKING,
    ),
    explains=_AFTER,
    examples=(
        "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        '  File "/srv/seg/net.py", line 40, in forward\n    out, _ = self.lstm(x)\nRuntimeError: cuDNN error: CUDNN_STATUS_MAPPING_ERROR',
    ),
    counterexamples=("torch.backends.cudnn.version() -> 8902",),
)

CUDNN_NOT_SUPPORTED = Cause(
    slug="cudnn-not-supported",
    title="cuDNN does not support this input: not contiguous, too large, or an unsupported data type",
    why="cuDNN answers NOT_SUPPORTED for a tensor that is not contiguous, for more than 2**31 elements, or for a combination of data "
    "type and "
    "layout without a kernel.",
    signs=(Sign(r"CUDNN_STATUS_NOT_SUPPORTED"),),
    unless=(r"CUDNN_STATUS_(?:SUBLIBRARY_)?VERSION_MISMATCH",),
    fixes=(
        Fix(do="Make the input contiguous before the layer.", code="out = layer(x.contiguous())"),
        Fix(
            do="If the tensor is very large (batch, resolution or sequence), split the batch so that no tensor has 2**31 elements or more."
        ),
        Fix(do="Otherwise update PyTorch, or switch cuDNN off for that one call: with torch.backends.cudnn.flags(enabled=False)."),
    ),
    explains=("cudnn-no-engine",),
    examples=("RuntimeError: cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a non-contiguous input.",),
    counterexamples=("NotImplementedError: layout not supported",),
)

CAUSES = (NOT_INITIALIZED, EXECUTION_FAILED, INVALID_VALUE, NOT_SUPPORTED, CUDNN, CUDNN_NOT_SUPPORTED)
