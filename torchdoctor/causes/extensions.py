"""Compiled extensions that do not load: built for another torch, without CUDA, or loaded before torch."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="cpp-extension-abi-mismatch",
        title="A compiled extension was built against another torch than the one installed",
        why="torch's C++ interface changes with every release. The extension asks for symbols or libraries (libtorch_cuda_cu.so, for "
        "example) of the torch it was compiled with, which the installed torch does not have.",
        signs=(
            Sign(r"symbol not found:? .{0,3}_{1,2}ZN\w{0,6}caffe2", FAIR),
            Sign(
                r"Expected in: {1,40}.{0,200}torch/lib/lib(?:torch|c10)\w*\.dylib",
                FAIR,
                unless=(r"torchaudio/", r"torchvision/", r"torch/lib/lib\w+\.dylib Expected"),
            ),
            Sign(r"[/\\]_(?:version|scatter|spmm|convert|diag|basis|grid|fps|knn)(?:_cpu|_cuda)?\.so: undefined symbol", FAIR),
            Sign(
                r"torch[/\\]_ops\.py.{0,24} in load_library .{0,400}_dlopen\(self\._name, mode\)[ ^~]{0,60}$",
                FAIR,
                unless=(r"torch(?:audio|vision|codec)[/\\]",),
            ),
            ends_in("torch/_ops.py", "load_library"),
            Sign(r"(?P<module>[\w./-]{1,200}\.so): undefined symbol: _Z\w{0,40}(?:c10|2at|5torch|caffe2|3c10)\w*"),
            Sign(r"undefined symbol: _Z\w{0,40}(?:c10|2at|5torch|caffe2)\w*"),
            Sign(r"symbol not found:? .{0,3}_{1,2}ZN\w{0,40}(?:c10|2at|5torch)", unless=(r"torchaudio/lib", r"torchvision/\w+\.so")),
            Sign(r"'_OpNamespace' '_\w*C\w*' object has no attribute", FAIR),
            Sign(r"undefined symbol: (?:THPVariable\w*|THPStorage\w*|_ZTI\w*torch\w*|THC\w+|aoti_torch_\w+)"),
            Sign(
                r"(?P<library>libtorch_cuda_c(?:u|pp)\.so|libtorch_cpu\.so|libtorch_python\.so|libc10_cuda\.so|libtorch_cuda\.so|"
                r"libtorch\.so(?:\.\d)?|libcaffe2\w*\.so|libtorch_hip\.so): cannot open shared object file",
                unless=(r"torch/__init__\.py",),
            ),
            Sign(r"PyTorch and (?!torchvision|TorchAudio)(?P<package>torch_\w+|\w+) were compiled with different CUDA (?:major )?versions"),
            Sign(r"\.so: u(?:nd?|nde|ndef|undefi)?$", WEAK, also=(r"undefined",)),
            Sign(r"(?P<module>torch_(?:scatter|sparse|cluster|spline_conv|geometric)|pyg_lib)[\w./-]*\.so: undefined symbol"),
            Sign(r"An issue occurred while importing '(?:pyg-lib|torch-(?:scatter|sparse|cluster|spline-conv))'", FAIR),
            Sign(r"Cannot find DGL C\+\+ (?:graphbolt|sparse|tensoradapter) library"),
            Sign(
                r"DLL load failed while importing (?P<module>_ext|_cuda|fused_\w+|\w+_cuda|\w+_ext|amp_C)\b: .{0,60}(?:procedure|module)",
                FAIR,
            ),
            Sign(r"(?:vllm|sgl_kernel)[/\\][\w.]*\.so: undefined symbol", FAIR),
        ),
        unless=(r"torchaudio/lib", r"libcudnn\w*\.so\S* not defined", r"symbol: iJIT"),
        explains=("torch-install-broken",),
        refines=("windows-dll-version-conflict", "windows-vcredist-missing"),
        fixes=(
            Fix(
                "Rebuild the extension against the installed torch, from a clean state: uninstall it, delete its build folder, reinstall "
                "with --no-build-isolation and without cached wheels.",
                (
                    "pip uninstall -y PACKAGE",
                    "rm -rf build ~/.cache/torch_extensions",
                    "pip install --no-build-isolation --no-cache-dir PACKAGE",
                ),
            ),
            Fix(
                "Or reinstall the package in the prebuilt wheel that matches this torch and CUDA version (mmcv: openmim; torch-scatter "
                "and the like: the PyG wheel page for this torch version).",
                (
                    'python -c "import torch; print(torch.__version__, torch.version.cuda)"',
                    "pip install -U openmim",
                    "python -m mim install mmcv",
                ),
            ),
            Fix(
                "Or install (downgrade to) the torch version that the extension was built for; libtorch_cuda_cu.so existed in torch 1.8 "
                "to 1.13.",
                ("pip install torch==1.13.1 torchvision==0.14.1",),
            ),
        ),
        decide='python -c "import torch; print(torch.__version__, torch._C._GLIBCXX_USE_CXX11_ABI)"',
        examples=(
            "ImportError: dlopen(/opt/v/lib/python3.7/site-packages/torch_scatter/scatter_cpu.so, 2): Symbol not found: __ZN6caffe26detail36_typeMetaDataInstance_preallocated_0E",
            "  Referenced from: <85F5D618> /opt/v/lib/python3.9/site-packages/torch_sparse/_convert_cpu.so\n  Expected in:     <D6FBF042> /opt/v/lib/python3.9/site-packages/torch/lib/libtorch_cpu.dylib",
            '  File "/opt/v/lib/python3.7/site-packages/torch_cluster/__init__.py", line 12, in <module>\n    library, [osp.dirname(__file__)]).origin)\n  File "/opt/v/lib/python3.7/site-packages/torch/_ops.py", line 105, in load_library\n    ctypes.CDLL(path)\n  File "/usr/lib/python3.7/ctypes/__init__.py", line 364, in __init__\n    self._handle = _dlopen(self._name, mode)',
            "ImportError: /srv/det/env/lib/python3.9/site-packages/mmcv/_ext.cpython-39-x86_64-linux-gnu.so: undefined symbol: "
            "_ZN2at4_ops5zeros4callEN3c108ArrayRefIlEE",
            "ImportError: libtorch_cuda_cu.so: cannot open shared object file: No such file or directory",
            "RuntimeError: Detected that PyTorch and torch_scatter were compiled with different CUDA versions.",
        ),
        counterexamples=("libfoo.so: undefined symbol: bar_init",),
    ),
    Cause(
        slug="extension-imported-before-torch",
        title="A compiled extension was imported before torch, so torch's libraries were not loaded yet",
        why="The extension needs libc10.so and other libraries of torch, which lie in torch's own folder, not on the loader's path. "
        "Importing torch first loads them.",
        signs=(
            Sign(r"libc10\.so: cannot open shared object file"),
            Sign(r"Library not loaded: @rpath/lib(?:c10|torch\w*)\.dylib", FAIR),
        ),
        unless=(r"torch/__init__\.py", r"torch/lib/libc10\.so"),
        fixes=(
            Fix(
                "Import torch before the extension (isort may have put it behind).",
                code="import torch  # first: loads libc10.so\nimport my_extension",
            ),
            Fix(
                "If torch is imported first, the extension was built for another torch: reinstall it for the installed one.",
                ("pip install --no-build-isolation --no-cache-dir --force-reinstall --no-deps PACKAGE",),
            ),
        ),
        examples=("ImportError: libc10.so: cannot open shared object file: No such file or directory",),
        counterexamples=("loaded /opt/v/lib/python3.11/site-packages/torch/lib/libc10.so",),
    ),
    Cause(
        slug="extension-built-without-cuda",
        title="An extension was compiled without its CUDA half and now gets GPU tensors",
        why="When the extension was built no CUDA was available (no GPU or no toolkit in sight, as in docker build), so only its CPU "
        "code was compiled.",
        signs=(
            Sign(r"Not compiled with GPU support"),
            Sign(r"_impl: implementation for device cuda:?\d* not found"),
            Sign(
                r"is not compiled with (?:GPU|CUDA) support",
                FAIR,
                unless=(r"Torch not compiled", r"OpenCV", r"xgboost|lightgbm", r"jaxlib"),
            ),
            Sign(r"name '_C' is not defined", FAIR, also=(r"(?:groundingdino|ms_deform_attn|MultiScaleDeformable)",)),
            Sign(r"Failed to load custom C\+\+ ops\. Running on CPU mode Only", FAIR),
            Sign(r"\w+_impl\w{0,40}: implementation for device (?:cuda|xpu|hip):?\d* not found"),
            Sign(
                r"not compiled with CUDA support",
                FAIR,
                unless=(
                    r"Torch not compiled",
                    r"OpenCV",
                    r"torch\.version",
                    r"xgboost|jaxlib",
                ),
            ),
            Sign(r"Device API cuda is not enabled"),
            Sign(r"(?:GPU|CUDA) Tree Learner was not enabled in this build"),
            Sign(r"name '_C' is not defined", also=(r"Failed to load custom C\+\+ ops",)),
            Sign(
                r"Could not run '(?!aten|torchvision|quantized|xformers|prim|bitsandbytes)\w+::\w+' with arguments from the 'CUDA' backend",
                FAIR,
            ),
        ),
        fixes=(
            Fix(
                "Rebuild the extension with the CUDA toolkit installed (CUDA_HOME set) and FORCE_CUDA=1, TORCH_CUDA_ARCH_LIST set to the "
                "target GPUs.",
                (
                    "export CUDA_HOME=/usr/local/cuda",
                    'FORCE_CUDA=1 TORCH_CUDA_ARCH_LIST="8.0;8.6;9.0" pip install --no-build-isolation --no-cache-dir --force-reinstall '
                    "--no-deps PACKAGE",
                ),
            ),
            Fix("Or run this operation on the CPU.", code="output = op(boxes.cpu(), scores.cpu())"),
        ),
        examples=(
            "RuntimeError: nms_impl: implementation for device cuda:0 not found.",
            "detectron2/layers/deform_conv.py\nRuntimeError: Not compiled with GPU support",
            "RuntimeError: ms_deform_attn_impl_forward: implementation for device cuda:0 not found.",
            "ValueError: This CTranslate2 package was not compiled with CUDA support",
            "dgl._ffi.base.DGLError: Device API cuda is not enabled. Please install the cuda version of dgl.",
            "NotImplementedError: Could not run 'torch_cluster::knn' with arguments from the 'CUDA' backend.",
        ),
        counterexamples=("OpenCV is not compiled with CUDA support, using CPU decode",),
    ),
)
