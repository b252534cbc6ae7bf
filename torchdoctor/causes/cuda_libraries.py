"""CUDA libraries that cannot be found, or that are found in another version than torch brought."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_LIBS = (
    "cublas cublasLt cudart cufft cufile cupti curand cusolver cusolverMg cusparse cusparseLt nvJitLink nvToolsExt nvinfer nvrtc "
    "nvrtc-builtins nvshmem_host nvjpeg nvfatbin nvvm cudss cutensor nppc nppial nppicc nppidei nppif nppig nppim nppist nppisu nppitc npps"
).replace(" ", "|")

_DLL = r"(?P<library>(?:cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|nvrtc|nvrtc-builtins|nvJitLink|cupti|nvToolsExt)64_\w{1,12})"

CAUSES = (
    Cause(
        slug="cuda-runtime-lib-missing",
        title="A CUDA runtime library that the program was linked with cannot be found",
        why="The program (torch or a package beside it) was built for one CUDA version and asks for {library|its library} of exactly "
        "that major version. The environment has another version, none, or its folder is not on the loader's path.",
        signs=(
            Sign(
                r"dynamically load the \W{0,3}(?P<library>cublas|cublasLt|cudart|cudnn|cufft|curand|cusparse|cusolver|nvrtc)\W{1,3}shared library"
            ),
            Sign(r"find (?P<library>cublas|cublasLt|cudart|cudnn|cufft|curand|cusparse|cusolver|nvrtc) lib under the names"),
            Sign(
                rf"(?:find|load|open) (?:the )?dynamic library:? .{{0,3}}(?!libnvinfer)(?P<library>lib(?:{_LIBS})\.so[\d.]*)",
                FAIR,
                unless=(r"Ignore above",),
            ),
            Sign(rf"open CUDA library (?P<library>lib(?:{_LIBS})\.so[\d.]*)", FAIR),
            Sign(r"Unable to load (?P<library>cuSPARSE|cuBLAS|cuFFT|cuSOLVER|CUPTI)\b", FAIR),
            Sign(r"CUDA found but (?P<library>cublas|cufft|curand|cusparse) is not loaded", FAIR),
            ends_in("torch/__init__.py", "_preload_cuda_deps"),
            Sign(rf"(?:(?<!dlerror: )|(?!libnvinfer))(?P<library>lib(?:{_LIBS})[\w-]*\.so(?:\.\d{{1,4}}){{0,4}}): cannot open shared"),
            Sign(rf"Library (?P<library>lib(?:{_LIBS})\.so[\d.]*) is not found"),
            Sign(rf"Unable to (?:load|find|open) .{{0,30}}(?P<library>lib(?:{_LIBS})\.so[\d.]*)"),
            Sign(rf"Could not (?:load|find|open) (?!dynamic library .libnvinfer).{{0,30}}(?P<library>lib(?:{_LIBS})\.so[\d.]*)"),
            Sign(r"Library (?P<library>(?:cublas|cublasLt|cudart|cufft|curand)64_\d+\.dll) is not found or cannot be loaded"),
            Sign(rf"(?P<library>lib(?:{_LIBS})\.so)[.*\[\]0-9-]{{0,16}} not found in the system path"),
            Sign(rf"(?P<library>lib(?:{_LIBS})\.so[\d.]*) => not found"),
            Sign(r"undefined symbol: (?P<library>curand)(?:CreateGenerator|SetPseudoRandomGeneratorSeed)"),
            Sign(r"libnvrtc\.so: cannot open shared object file"),
            Sign(r"cannot find -l(?P<library>cudart|curand|cublas|cublasLt|cusparse|cusolver|cufft|nvrtc|nvToolsExt)\b"),
            Sign(r"failed to open (?P<library>libnvrtc-builtins\.so[\d.]*)"),
            Sign(r"FAIL : (?:Failed to load library|LoadLibrary failed).{0,200}onnxruntime_providers_cuda", FAIR),
            Sign(r"(?:find|load|locate|open) (?:module |library |dynamic library )?.{0,3}" + _DLL + r"\.dll"),
            Sign(_DLL + r"\.dll\W{0,4} ?(?:which )?(?:is |was )?(?:not found|missing)"),
            Sign(
                r"Error loading .{0,200}[\\/]" + _DLL + r"\.dll",
                FAIR,
            ),
            Sign(r"failed to open (?P<library>nvrtc-builtins64_\w+\.dll)"),
            Sign(r"failed to load builtins for compute_"),
            Sign(r"(?:Failed to load library|LoadLibrary failed|Error loading).{0,260}onnxruntime_providers_cuda", FAIR),
            Sign(r"Failed to create CUDAExecutionProvider", FAIR),
            Sign(
                r"cannot open (?:input )?file '(?P<library>(?:cudart|cudart_static|cublas|cublasLt|cusparse|cusolver|cufft|curand|nvrtc|nvToolsExt64_1|cuda)\.lib)'"
            ),
            Sign(r"(?P<library>lib(?:cudart|cufft|curand|cupti|nvrtc)\.so\.\d+): version .{0,40} not found"),
            Sign(r"Unable to load (?P<library>cuSPARSE|cuBLAS|cuFFT|cuSOLVER|CUPTI|CUDA)\. Is it installed"),
            Sign(r"Error in dlopen.{0,30}libnvrtc"),
            Sign(r"libNVVM cannot be found", FAIR),
            Sign(r"(?:Error|Exception): .{0,30}(?P<library>libcudart\.so)\S{0,6} (?:was |is )?not found", FAIR),
            Sign(r"Cannot dlopen some GPU libraries", FAIR, also=(r"(?:list_physical_devices|Num GPUs Available|is_gpu_available)",)),
        ),
        unless=(r"Ignore above cudart dlerror",),
        explains=("cudnn-no-engine", "libcudnn-missing", "torch-install-broken"),
        fixes=(
            Fix(
                "Reinstall torch (or the package that asks for the library) in the build for the CUDA that is there, with its "
                "dependencies: the torch wheel brings the CUDA libraries of its version as nvidia-* packages.",
                ("pip install --force-reinstall torch torchvision torchaudio", 'python -c "import torch; print(torch.version.cuda)"'),
            ),
            Fix(
                "Or install the missing CUDA library of that version ({library|the one named}) as a wheel: nvidia-cuda-runtime-cu12, "
                "nvidia-cublas-cu12, nvidia-cuda-cupti-cu12 (cupti), nvidia-cuda-nvrtc-cu12, nvidia-cusparselt-cu12; cu11 for .so.11.",
                ("pip install nvidia-cuda-runtime-cu12 nvidia-cublas-cu12",),
            ),
            Fix(
                "Or, if it is on the machine, add its folder to LD_LIBRARY_PATH.",
                (
                    "find / -name 'libcudart.so*' -o -name 'libcublas.so*' 2>/dev/null",
                    "export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH",
                ),
            ),
        ),
        decide="pip list | grep -i nvidia; find / -name '{library|libcudart.so}*' 2>/dev/null",
        examples=(
            'Unable to dynamically load the "cublas" shared library - searched for library names: ["cublas", "cublas64", "cublas64_12"]. Ensure that `LD_LIBRARY_PATH` has the correct path to the installed library.',
            'Unable to find nvrtc lib under the names ["nvrtc", "nvrtc64", "nvrtc64_12"]. Please open GitHub issue.',
            "Error: Failed to find dynamic library: libcublas.so",
            '  File "/srv/v/lib/python3.11/site-packages/torch/__init__.py", line 178, in _preload_cuda_deps\n    raise ValueError(f"{lib_name} not found in the system path {sys.path}")',
            "nvrtc: error: failed to open nvrtc-builtins64_118.dll.\n  Make sure that nvrtc-builtins64_118.dll is installed correctly.",
            "FileNotFoundError: Could not find module 'cudart64_110.dll' (or one of its dependencies). Try using the full path with constructor syntax.",
            "ImportError: libnppicc.so.12: cannot open shared object file: No such file or directory",
            "LINK : fatal error LNK1181: cannot open input file 'cudart.lib'",
            "RuntimeError: Unable to load cuSPARSE. Is it installed?",
            "[W:onnxruntime:Default, onnxruntime_pybind_state.cc:965] Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 12.*. Please install all dependencies as mentioned in the GPU requirements page",
            "ImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory",
            "RuntimeError: Library libcublas.so.12 is not found or cannot be loaded",
            "ValueError: libcublas.so.*[0-9] not found in the system path ['/srv/app', '/usr/lib/python310.zip']",
        ),
        counterexamples=(
            "Could not load dynamic library 'libnvinfer.so.7'; dlerror: libnvinfer.so.7: cannot open shared object file: No such file or directory\nTF-TRT Warning: Could not find TensorRT\nEpoch 1/5",
            "Could not load dynamic library 'libcudart.so.11.0'; dlerror: cannot open\nIgnore above cudart dlerror if you do not have a "
            "GPU set up on your machine.",
        ),
    ),
    Cause(
        slug="cublas-library-conflict",
        title="Another cuBLAS (or CUDA math library) is loaded than the one torch ships",
        why="torch's wheel brings its own libcublas and libcublasLt, which must be of one version. LD_LIBRARY_PATH, the image's CUDA or "
        "a stray nvidia-cublas wheel puts another libcublasLt first, which lacks the symbol.",
        signs=(
            Sign(r"\bversion libcu(?:dart|blas|blasLt|sparse|solver|fft|rand|pti)\.so[\d.]{0,8} not defined in file", FAIR),
            Sign(r"symbol:? cublas\w*,? version libcublas(?:Lt)?\.so\.\d+ not defined in file"),
            Sign(r"undefined symbol: cublas\w+"),
            Sign(r"libcublas(?:Lt)?\.so\.\d+: (?:undefined symbol|version .{0,30} not found)"),
            Sign(r"(?:Invalid handle\. )?Cannot load symbol cublas\w+"),
            Sign(r"lib(?:cusparse|cusolver|cufft|curand)\.so\.\d+: undefined symbol: (?!__nvJitLink)\w+", FAIR),
            Sign(r"symbol:? \w{4,60},? version libcu(?:dart|blas|blasLt|sparse|solver|fft|rand|pti)\.so\.[\d.]+ not defined in file"),
            Sign(r"undefined symbol: \w{4,60},? version libcu(?:dart|blas|blasLt|sparse|solver|fft|rand|pti)\.so"),
            Sign(r"undefined symbol: cu(?:sparse|solver|fft|pti)[A-Z]\w+", FAIR),
        ),
        fixes=(
            Fix(
                "Remove the system CUDA from LD_LIBRARY_PATH: unset LD_LIBRARY_PATH (or module unload cuda), so that torch loads the "
                "cublas it came with.",
                ("unset LD_LIBRARY_PATH", 'python -c "import torch; print(torch.version.cuda)"'),
            ),
            Fix(
                "If a stray wheel is the reason, uninstall it and reinstall torch with its own pins.",
                (
                    "pip list | grep -i cublas",
                    "pip uninstall -y nvidia-cublas-cu11 nvidia-cublas-cu12",
                    "pip install --force-reinstall torch",
                ),
            ),
            Fix(
                "Or pin the torch build that matches the image's CUDA (a +cu tag from that wheel index) or use an older torch.",
                ("pip install torch==1.13.1+cu117 --index-url https://download.pytorch.org/whl/cu117",),
            ),
        ),
        decide="echo $LD_LIBRARY_PATH; pip list | grep -i -e cublas -e torch",
        examples=(
            "version libcublasLt.so.11 not defined in file libcublasLt.so.11 with link time reference",
            "ImportError: /opt/v/lib/python3.12/site-packages/torch/lib/libtorch_cuda.so: undefined symbol: cusolverDnXsyevBatched_bufferSize, version libcusolver.so.11",
            "OSError: libcusparse.so.12: symbol cusparseSpMMOp_createPlan version libcusparse.so.12 not defined in file libcusparse.so.12 with link time reference",
            "OSError: /opt/env/lib/python3.8/site-packages/torch/lib/../../nvidia/cublas/lib/libcublas.so.11: undefined symbol: "
            "cublasLtHSHMatmulAlgoInit, version libcublasLt.so.11",
        ),
        counterexamples=("libcublas.so.12 loaded from /opt/env/lib",),
    ),
    Cause(
        slug="nvjitlink-undefined-symbol",
        title="libcusparse of the torch wheels finds an older libnvJitLink than its own",
        why="The wheels' libcusparse wants libnvJitLink of the same CUDA 12 minor version. A system CUDA on LD_LIBRARY_PATH (or an older "
        "nvidia-nvjitlink wheel) is found first and lacks the versioned symbol.",
        signs=(
            Sign(r"undefined symbol: __nvJitLink\w+"),
            Sign(r"libnvJitLink\.so\.\d+ => /usr/local/cuda", FAIR),
            Sign(r"symbol:? __nvJitLink\w+,? version libnvJitLink\.so\.\d+"),
            Sign(r"libnvJitLink\.so\.\d+: version .{0,40} not found"),
            Sign(r"__nvJitLink(?:AddData|Complete|Create|GetErrorLogSize)_1\d_\d", FAIR),
            Sign(r"undefined symbol: nvJitLink\w+"),
            Sign(r"__nvJitLink\w{3,40}_1\d_\d", FAIR),
        ),
        refines=("cublas-library-conflict", "conda-pip-torch-mix"),
        fixes=(
            Fix(
                "Unset LD_LIBRARY_PATH (or take the system CUDA folder out of it), so that torch's own nvjitlink is loaded.",
                ("unset LD_LIBRARY_PATH", "python -c 'import torch'"),
            ),
            Fix(
                "Or put the wheel's nvidia/nvjitlink/lib first on LD_LIBRARY_PATH.",
                ("export LD_LIBRARY_PATH=$(python -c 'import nvidia.nvjitlink as n; print(list(n.__path__)[0])')/lib:$LD_LIBRARY_PATH",),
            ),
            Fix(
                "Or reinstall torch with the matching nvidia-nvjitlink-cu12 from one index.",
                ("pip install --force-reinstall torch nvidia-nvjitlink-cu12 --index-url https://download.pytorch.org/whl/cu128",),
            ),
        ),
        decide="echo $LD_LIBRARY_PATH; pip list | grep -i nvjitlink",
        examples=(
            "ImportError: /opt/v/lib/python3.11/site-packages/torch/lib/../../nvidia/cusparse/lib/libcusparse.so.12: undefined symbol: "
            "__nvJitLinkAddData_12_1, version libnvJitLink.so.12",
        ),
        counterexamples=("nvidia-nvjitlink-cu12 12.8.93 already satisfied",),
    ),
    Cause(
        slug="libcudnn-missing",
        title="A cuDNN library that the program was linked with is not on the system or not on the library path",
        why="The program wants cuDNN of one major version (libcudnn.so.8 or .9). The environment has none, the other major version, or "
        "the wheel's folder is not where this program looks (CTranslate2, ONNX Runtime and TensorFlow do not look into torch's).",
        signs=(
            Sign(r"(?:locate|find|load) .{0,3}zlibwapi\.dll", FAIR),
            Sign(r"Cannot load cudnn shared library"),
            Sign(r"cudnn_dso_handle should not be null"),
            Sign(r"Unable to load cuDNN DSO"),
            Sign(r"open CUDA library (?P<library>libcudnn\.so[\d.]*)", FAIR),
            Sign(r"\{libcudnn_\w{2,30}\.so", FAIR),
            Sign(r"dynamically load the \W{0,3}cudnn\W{1,3}shared library"),
            Sign(r"(?P<library>libcudnn\w*\.so(?:\.\d{1,4}){0,4}): cannot open shared object file"),
            Sign(r"Unable to load any of \{(?P<library>libcudnn\w*\.so[\d.]*)"),
            Sign(r"Could not load library (?P<library>libcudnn\w*\.so\.\d+)\. Error: libcudnn\w*\.so\.\d+: cannot open"),
            Sign(r"Could not (?:locate|load library) (?P<library>cudnn\w*64_\d+\.dll)"),
            Sign(r"Library (?P<library>libcudnn\S*|cudnn\S*\.dll) is not found or cannot be loaded"),
            Sign(r"(?P<library>libcudnn\.so)[.*\[\]0-9-]{0,16} not found in the system path"),
            Sign(r"Invalid handle\. Cannot load symbol cudnn\w+"),
            Sign(r"(?P<library>libcudnn\w*\.so[\d.]*) => not found"),
            Sign(r"Could not load symbol cudnn\w+\. Error code 12[67]", FAIR),
            Sign(r"make sure (?P<library>(?:lib)?cudnn\S{0,40}) is in your library path"),
            Sign(r"(?:find|load|locate|open) (?:module |library |dynamic library )?.{0,3}(?P<library>cudnn\w{0,20}64_\d+)\.dll", FAIR),
            Sign(r"(?P<library>cudnn\w{0,20}64_\d+)\.dll\W{0,4} ?(?:which )?(?:is |was )?(?:not found|missing)"),
            Sign(r"Error loading .{0,200}[\\/](?P<library>cudnn\w{0,20}64_\d+)\.dll", FAIR),
            Sign(r"cannot find -lcudnn\b"),
            Sign(r"Could NOT find CUDNN", FAIR, unless=(r"Build files have been written",)),
            Sign(r"CUDNN_(?:INCLUDE_DIR|LIBRARY|INCLUDE_PATH|LIBRARY_PATH)\W{0,4}(?:not found|NOTFOUND)", FAIR),
            Sign(r"Unable to load cuDNN\. Is it installed"),
            Sign(r"Could not load library (?P<library>libcudnn\w{0,30}\.so[\w.]{0,12})\. Error", FAIR, unless=(r"Error: libcuda\.so",)),
            Sign(r"(?:Error|Exception)\W.{0,60}\bcuDNN (?:library )?(?:is |was )?not (?:found|installed)", FAIR),
            Sign(r"requires the cuDNN library which is not integrated in this build", FAIR),
        ),
        explains=("cudnn-no-engine", "cuda-runtime-lib-missing", "cudnn-execution-failed", "native-segfault"),
        fixes=(
            Fix(
                "Install the cuDNN major version that is asked for ({library|libcudnn.so.8 or .9}): the nvidia-cudnn-cu12 wheel (or "
                "-cu11), or the apt package.",
                ('pip install "nvidia-cudnn-cu12==9.*"', 'pip install "nvidia-cudnn-cu12==8.*"', "sudo apt install libcudnn9-cuda-12"),
            ),
            Fix(
                "If torch itself asks for it, reinstall torch with its dependencies (from one index, without --no-deps).",
                ("pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu128",),
            ),
            Fix(
                "If zlibwapi.dll is what is missing (cuDNN 8 on Windows needs it), put that DLL into a folder on PATH.",
                when="os=windows",
            ),
            Fix(
                "If cuDNN is installed as a wheel, put its folder on LD_LIBRARY_PATH (Windows: on PATH) before the program starts.",
                ("export LD_LIBRARY_PATH=$(python -c 'import nvidia.cudnn as n; print(list(n.__path__)[0])')/lib:$LD_LIBRARY_PATH",),
            ),
        ),
        decide="pip list | grep -i cudnn; ldconfig -p | grep cudnn",
        examples=(
            "Could not locate zlibwapi.dll. Please make sure it is in your library path!",
            "RuntimeError: (PreconditionNotMet) Cannot load cudnn shared library. Cannot invoke method cudnnGetVersion.\n  [Hint: cudnn_dso_handle should not be null.] (at /paddle/paddle/phi/backends/dynload/cudnn.cc:64)",
            "Please make sure libcudnn_ops_infer.so.8 is in your library path!",
            'FAIL : Error loading "C:\\v\\onnxruntime_providers_cuda.dll" which depends on "cudnn64_9.dll" which is missing. (Error 126)',
            "RuntimeError: Unable to load cuDNN. Is it installed?",
            "CMake Error: Could NOT find CUDNN (missing: CUDNN_LIBRARY_PATH CUDNN_INCLUDE_PATH)",
            "ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory",
            "Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9.1, libcudnn_ops.so.9, libcudnn_ops.so}\nInvalid handle. "
            "Cannot load symbol cudnnCreateTensorDescriptor",
            "Could not locate cudnn_ops64_9.dll. Please make sure it is in your library path!",
        ),
        counterexamples=("libcudnn.so.9 found, version 91002",),
    ),
)
