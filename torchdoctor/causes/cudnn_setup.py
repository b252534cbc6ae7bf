"""cuDNN that does not fit: two versions mixed, not initialised, no engine."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="cudnn-version-incompatible",
        title="Another cuDNN is mixed with the one torch ships",
        why="torch brings its own cuDNN, which consists of several libraries that must be of one version. One from LD_LIBRARY_PATH, the "
        "system, TensorFlow or another nvidia-cudnn wheel is found for a part of them.",
        signs=(
            ends_in("torch/backends/cudnn/__init__.py", "_init"),
            Sign(
                r"cuDNN version incompatibility: PyTorch was compiled ?against \(?[\d, ]+\)? but found runtime version \(?(?P<found>[\d, "
                r"]+)\)?"
            ),
            Sign(r"cuDNN version incompatibility"),
            Sign(r"CUDNN_STATUS_SUBLIBRARY_(?:VERSION_MISMATCH|LOADING_FAILED)"),
            Sign(r"CUDNN_STATUS_VERSION_MISMATCH"),
            Sign(r"version libcudnn\w*\.so\.\d+ not defined in file libcudnn"),
            Sign(r"libcudnn\w*\.so\.\d+: (?:symbol|undefined symbol)"),
            Sign(r"undefined symbol: \w*cudnn\w*,? version libcudnn"),
            Sign(r"Loaded runtime CuDNN library: (?P<found>[\d.]+\d) but source was compiled with: (?P<wanted>[\d.]+\d)"),
            Sign(r"calling init: /(?:usr/)?(?:local/)?lib[\w/-]*/libcudnn\w*\.so[\d.]*", also=(r"site-packages/nvidia/cudnn",)),
            Sign(r"Could not load (?:library|symbol) .{0,10}cudnn\w{0,30}.{0,40}Error code (?:1920|127)\b", FAIR),
            Sign(r"contains incompatible version of cudnn"),
            Sign(r"conflicting cuDNN in LD_LIBRARY_PATH"),
            Sign(r"cuDNN:? version mismatch"),
            Sign(r"cuDNN version [\d.]{2,12} is older than", FAIR),
            Sign(r"undefined symbol: cudnn[A-Z]\w+"),
            Sign(r"CuDNN v\S{1,8} found, but need at least CuDNN"),
            Sign(r"identifier .cudnn\w{3,60}. is undefined", FAIR),
        ),
        explains=("cudnn-no-engine", "cudnn-not-initialized", "cudnn-execution-failed", "libcudnn-missing", "native-segfault"),
        fixes=(
            Fix(
                "Remove the foreign cuDNN from LD_LIBRARY_PATH: unset LD_LIBRARY_PATH (or module unload cuda cudnn), so that torch loads "
                "only the cuDNN it brought.",
                ("unset LD_LIBRARY_PATH", 'python -c "import torch; print(torch.backends.cudnn.version())"'),
            ),
            Fix(
                "If it is a system package, remove the apt cuDNN or upgrade it to the same version as the wheel.",
                ("ldconfig -p | grep cudnn", "sudo apt remove 'libcudnn*'"),
                who="admin",
            ),
            Fix(
                "If it is another wheel, uninstall it and reinstall torch so that nvidia-cudnn matches its pin again (and do not share "
                "the environment with TensorFlow).",
                ("pip list | grep -i cudnn", "pip install --force-reinstall torch", "pip check"),
            ),
        ),
        decide="LD_DEBUG=libs python train.py 2>&1 | grep 'calling init.*cudnn'",
        examples=(
            '  File "/srv/v/lib/python3.11/site-packages/torch/backends/cudnn/__init__.py", line 62, in _init\n    raise RuntimeError(',
            "ImportError: /opt/v/lib/python3.6/site-packages/torch/_C.cpython-36m-x86_64-linux-gnu.so: undefined symbol: cudnnSetConvolutionGroupCount",
            "RuntimeError: cuDNN version mismatch: PyTorch was compiled against 7102 but linked against 6021",
            "RuntimeError: cuDNN version incompatibility: PyTorch was compiled  against (8, 9, 2) but found runtime version (8, 5, 0). PyTorch already comes with bundled cuDNN. One option to resolving this error is to ensure PyTorch can find the bundled cuDNN. Looks like your LD_LIBRARY_PATH contains incompatible version of cudnn. Please either remove it from the path or install cudnn (8, 9, 2)",
            "RuntimeError: cuDNN version incompatibility: PyTorch was compiled  against (9, 1, 0) but found runtime version (8, 9, 7). "
            "PyTorch already comes bundled with cuDNN.",
            "RuntimeError: cuDNN error: CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH",
        ),
        counterexamples=("cudnn version: 91002, deterministic: True",),
    ),
    Cause(
        slug="cudnn-not-initialized",
        title="cuDNN cannot initialise",
        why="cuDNN creates its handle at its first use. That fails when the GPU's memory is already full, or when this torch's CUDA and "
        "cuDNN do not fit the GPU or the driver.",
        signs=(
            Sign(r"Fail to find the dnn implementation", FAIR),
            Sign(r"CUDNN_STATUS_NOT_INITIALIZED"),
            Sign(r"cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED", FAIR),
            Sign(r"Could not create cudnn handle", FAIR),
            Sign(r"CUDNN_STATUS_RUNTIME_PREREQUISITE_MISSING"),
            Sign(r"CUDNN_STATUS_ARCH_MISMATCH"),
            Sign(r"cuDNN failed to initialize"),
            Sign(r"cudnnCreate\b.{0,80}CUDNN_STATUS_INTERNAL_ERROR", FAIR),
            Sign(r"CUDNN_STATUS_INTERNAL_ERROR.{0,60}\bcudnnCreate\b", FAIR),
        ),
        explains=("cudnn-no-engine", "cudnn-execution-failed"),
        fixes=(
            Fix(
                "Free GPU memory: end other processes on the GPU (nvidia-smi), lower the batch size or the memory fraction, restart the "
                "kernel.",
                ("nvidia-smi",),
            ),
            Fix(
                "If memory is free, install a torch build whose CUDA and cuDNN fit this GPU and driver (upgrade torch, or the driver), "
                "and check that no other cuDNN is on LD_LIBRARY_PATH.",
                ("pip install -U torch torchvision --index-url https://download.pytorch.org/whl/cu128", "echo $LD_LIBRARY_PATH"),
            ),
        ),
        decide="nvidia-smi --query-gpu=name,memory.used,memory.total,driver_version --format=csv",
        examples=(
            "UnknownError: Fail to find the dnn implementation. [Op:CudnnRNN]",
            "UnknownError: Failed to get convolution algorithm. This is probably because cuDNN failed to initialize, so try looking to see if a warning log message was printed above.",
            "RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        ),
        counterexamples=("cudnn initialised in 0.3 s",),
    ),
    Cause(
        slug="cudnn-no-engine",
        title="cuDNN finds no engine for the operation",
        why="No algorithm of cuDNN could be set up for this convolution or attention. That is seldom the operation itself: a broken or "
        "mixed cuDNN, a library it could not load, or a GPU memory that is full leaves none.",
        signs=(
            Sign(r"(?:GET|FIND) was unable to find an engine to execute this computation"),
            Sign(r"unable to find an engine to execute this computation"),
            Sign(r"Unable to find a valid cuDNN algorithm to run convolution"),
            Sign(r"No execution plans support the graph", FAIR),
            Sign(r"No valid (?:execution plans|engine configs)", FAIR),
            Sign(r"No algorithm worked!", FAIR),
            Sign(r"no valid convolution algorithms available"),
            Sign(r"CUDNN_FE failure", FAIR),
            Sign(r"HEURISTIC_QUERY_FAILED", FAIR),
        ),
        consequence=True,
        fixes=(
            Fix(
                "Lower the batch size (or the input size) or free GPU memory first: with full memory no engine gets its workspace.",
                ("nvidia-smi",),
            ),
            Fix(
                "Then fix the cuDNN libraries, which may be mixed: unset LD_LIBRARY_PATH, reinstall torch with its own cudnn wheels.",
                ("unset LD_LIBRARY_PATH", "pip install --force-reinstall torch"),
            ),
            Fix("To tell which: torch.backends.cudnn.enabled = False runs without cuDNN.", code="torch.backends.cudnn.enabled = False"),
        ),
        examples=(
            "NotFoundError: No algorithm worked! Error messages: Profiling failure on CUDNN engine",
            "RuntimeError: no valid convolution algorithms available in CuDNN",
            "RuntimeError: GET was unable to find an engine to execute this computation",
        ),
        counterexamples=(
            "sorting: no algorithm worked better than quicksort",
            "search engine found no results",
        ),
    ),
)
