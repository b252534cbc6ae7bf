"""torchvision, torchaudio, torchcodec and xformers that do not belong to the installed torch."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_TOGETHER = (
    "pip uninstall -y torch torchvision torchaudio",
    "pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",
)

CAUSES = (
    Cause(
        slug="torchvision-version-mismatch",
        title="torchvision was built for another torch version than the one installed",
        why="Each torchvision release contains compiled operators (nms, roi_align) for exactly one torch release. With another torch "
        "they do not load, so torchvision::nms does not exist.",
        signs=(
            Sign(r"module 'torch\.ops' has no attribute 'torchvision'", FAIR),
            Sign(r"(?:No such operator|Could not find the operator) image::\w+", FAIR),
            Sign(r"Couldn't load custom C\+\+ ops"),
            Sign(r"operator torchvision::\w+ does not exist"),
            Sign(r"No such operator torchvision::\w+"),
            Sign(r"Could not find the operator torchvision::\w+"),
            Sign(r"partially initialized module 'torchvision' has no attribute 'extension'"),
            Sign(r"symbol not found:? .{0,3}_{1,2}Z\w{4,200}'? {0,2}(?:Expected in|Referenced from): .{0,200}torchvision/"),
            Sign(r"PyTorch and torchvision were compiled with different CUDA (?:major )?versions"),
            Sign(r"torchvision/(?:_C|image|video_reader)[\w.-]*\.(?:so|pyd): undefined symbol"),
            Sign(r"torchvision[/\\](?:_C|image)\.pyd.{0,60}(?:WinError 127|procedure could not be found)"),
            Sign(r"module 'torch\.library' has no attribute '(?:register_fake|impl_abstract)'", also=(r"torchvision",)),
            Sign(r"'_OpNamespace' '(?:torchvision|image)' object has no attribute"),
            Sign(r"Failed to load image Python extension:.{0,300}(?:undefined symbol|procedure could not be found)", WEAK),
            ends_in("torchvision/extension.py", "_assert_has_ops|_check_cuda_version"),
            ends_in("torchvision/_meta_registrations.py", "<module>|wrapper|meta_nms"),
            Sign(r"module 'torchvision' has no attribute 'extension'"),
            Sign(r"requires torchvision[>=]=[\w.]{1,20},? but found torchvision"),
            Sign(r"torchvision==\S{1,20} is incompatible with torch==", FAIR),
            Sign(r"torchvision/(?:_C|image|video_reader)[\w.-]{0,40}\.so.{0,20}Symbol not found"),
            Sign(
                r"DLL load failed while importing _C: The specified procedure could not be found",
                FAIR,
                also=(r"torchvision",),
                unless=(r"xformers",),
            ),
        ),
        refines=("cpp-extension-abi-mismatch", "torch-too-old-for-library", "windows-dll-version-conflict"),
        fixes=(
            Fix(
                "Reinstall torch and torchvision together, in versions that match and from the same index: torchvision 0.(N+15) belongs "
                "to torch 2.N (2.8 with 0.23, 2.7 with 0.22, 2.6 with 0.21, 2.5 with 0.20, 2.4 with 0.19; 1.9 with 0.10, 1.8 with 0.9).",
                _TOGETHER,
            ),
            Fix(
                "To keep the installed torch, reinstall only the torchvision version that is compatible with it (in an image: use "
                "another image or rebuild it).",
                ('python -c "import torch; print(torch.__version__)"', "pip install --force-reinstall --no-deps torchvision==VERSION"),
            ),
        ),
        decide="pip list | grep -i torch",
        url="https://github.com/pytorch/vision#installation",
        examples=(
            "AttributeError: module 'torch.ops' has no attribute 'torchvision'",
            "RuntimeError: No such operator image::decode_png\n\nThe above exception was the direct cause of the following exception:",
            "RuntimeError: operator torchvision::nms does not exist",
            "RuntimeError: Couldn't load custom C++ ops. This can happen if your PyTorch and torchvision versions are incompatible, or "
            "if you had errors while compiling torchvision from source.",
            "AttributeError: partially initialized module 'torchvision' has no attribute 'extension' (most likely due to a circular "
            "import)",
            "ImportError: Unsloth: torch==2.10.0 requires torchvision>=0.25.0, but found torchvision==0.24.1. Please reinstall torchvision.",
            "UserWarning: Failed to load image Python extension: 'dlopen(/opt/v/lib/python3.9/site-packages/torchvision/image.so, 0x0006): Symbol not found: __ZN3c106detail19maybe_wrap_dim_slowExxb'",
        ),
        counterexamples=("torchvision.ops.nms kept 12 of 300 boxes",),
    ),
    Cause(
        slug="torchvision-cpu-build",
        title="torch is a CUDA build, but torchvision is a CPU-only build",
        why="torchvision's operators were compiled without their CUDA half (a CPU wheel, often PyPI's on Windows or a conda cpu build), "
        "so they cannot run on tensors that are on the GPU.",
        signs=(
            Sign(r"Could not run 'torchvision::(?P<op>\w+)' with arguments from the 'CUDA"),
            Sign(r"'torchvision::\w+' is only available for these backends", FAIR),
            Sign(r"Not compiled with GPU support", also=(r"torchvision[/\\.]",), unless=(r"detectron2", r"maskrcnn", r"mmcv", r"_ext\b")),
            Sign(
                r"csrc[/\\]ops[/\\](?:autocast[/\\]\.\.[/\\])?cpu[/\\]\w{2,30}_kernel\.cpp:\d+ \[kernel\]",
                FAIR,
                unless=(
                    r"csrc[/\\]ops[/\\]cuda[/\\]",
                    r"from the '(?:MPS|Meta|XLA|HPU|HIP|PrivateUse1|QuantizedCPU)' backend",
                ),
            ),
            Sign(
                r"torchvision(?:==| |: |-)0\.\d+\.\d+\+cpu\b",
                FAIR,
                also=(
                    r"\btorch(?:==| |: |-)[12]\.\d+\.\d+\+cu\d+",
                    r"(?:Error|failed|not available)",
                ),
            ),
        ),
        refines=("torchvision-version-mismatch", "extension-built-without-cuda"),
        fixes=(
            Fix(
                "Reinstall torchvision from the same CUDA wheel index as torch (the local tags, such as +cu128, have to agree).",
                (
                    'python -c "import torch, torchvision; print(torch.__version__, torchvision.__version__)"',
                    "pip uninstall -y torchvision",
                    "pip install torchvision --index-url https://download.pytorch.org/whl/cu128",
                ),
            ),
            Fix(
                "Or move the boxes and scores to the CPU for this one operator.",
                code="keep = torchvision.ops.nms(boxes.cpu(), scores.cpu(), iou_threshold).to(boxes.device)",
            ),
        ),
        examples=(
            "NotImplementedError: Could not run 'torchvision::roi_align' with arguments from the 'CUDA'",
            "NotImplementedError: Could not run 'torchvision::nms' with arguments from the 'CUDA' backend.",
            "CPU: registered at /__w/vision/vision/pytorch/vision/torchvision/csrc/ops/cpu/nms_kernel.cpp:112 [kernel]\nMeta: registered at /dev/null:198 [kernel]\nBackendSelect: fallthrough registered at ../aten/src/ATen/core/BackendSelectFallbackKernel.cpp:3 [backend fallback]",
        ),
        counterexamples=(
            "Could not run 'aten::_foo' with arguments from the 'MPS' backend",
            "CPU: registered at aten/src/ATen/RegisterCPU.cpp:31034 [kernel]",
        ),
    ),
    Cause(
        slug="torchaudio-version-mismatch",
        title="torchaudio was built for another torch version or backend than the one installed",
        why="Up to 2.10 each torchaudio release contains compiled code for exactly one torch release and CUDA version. With another "
        "torch its library does not load.",
        signs=(
            ends_in("torchaudio/_extension.py", "_load_lib|_init_extension|<module>"),
            ends_in("torchaudio/_extension/__init__.py", "<module>", code=r"_(?:load_lib|check_cuda_version|init_\w+)\("),
            Sign(
                r"torchaudio[/\\]_extension\b.{0,1500}ctypes[/\\]__init__\.py.{0,24} in __init__(?:.{0,40}_dlopen\(self\._name, mode\))?[ ^~]{0,60}$",
                FAIR,
            ),
            Sign(r"_load_lib\(.libtorchaudio.\)", FAIR),
            Sign(r"torchaudio/(?:lib/)?_?(?:lib)?torchaudio[\w.-]*\.so: u(?:ndefined symbol)?"),
            Sign(r"symbol not found:? .{0,3}_{1,2}Z\w{4,200}'? {0,2}(?:Expected in|Referenced from): .{0,200}torchaudio/"),
            Sign(r"PyTorch and TorchAudio were compiled with different CUDA versions"),
            Sign(r"Could not load this library: .{0,200}torchaudio"),
            Sign(r"torchaudio[/\\]lib[/\\]\w+\.pyd.{0,80}(?:WinError 127|procedure could not be found)", FAIR),
            Sign(r"WinError 127", FAIR, also=(r"torchaudio[/\\]_(?:extension|internal)",)),
            Sign(r"specified procedure could not be found", FAIR, also=(r"torchaudio[/\\]_(?:extension|internal)",)),
            Sign(
                r"lib(?:torch\w*|c10\w*|cudart)\.so[\d.]*: cannot open shared object file",
                also=(r"torchaudio/(?:_extension|extension|_internal)",),
            ),
            Sign(r"torchaudio requires torch", FAIR),
            ends_in("torchaudio/_extension/utils.py", "_load_lib|_check_cuda_version"),
            Sign(r"_torch_sox\S{0,60}\.(?:so|pyd).{0,12}(?:undefined symbol|Symbol not found|procedure could not be found)"),
            Sign(r"torchaudio[/\\]\S{0,60}\.so.{0,20}Symbol not found"),
            Sign(r"Could not find module .{0,200}torchaudio[/\\]"),
            Sign(r"WinError 127.{0,200}torchaudio[/\\]"),
            Sign(r"libtorchaudio\S{0,40} undefined symbol"),
        ),
        refines=(
            "cpp-extension-abi-mismatch",
            "cuda-runtime-lib-missing",
            "windows-dll-version-conflict",
            "torch-install-broken",
            "windows-vcredist-missing",
        ),
        fixes=(
            Fix(
                "Reinstall torchaudio in the version and build that match the installed torch, from the same index: up to 2.10 "
                "torchaudio has torch's own number (2.8.0 with 2.8.0); torchaudio 2.11 is the last release.",
                _TOGETHER,
            ),
            Fix(
                "On aarch64 (Jetson) build torchaudio from source against NVIDIA's torch, in the release compatible with it.",
                when="arch=aarch64",
            ),
        ),
        decide="pip list | grep -i torch",
        examples=(
            '  File "/opt/v/lib/python3.9/site-packages/torchaudio/_extension.py", line 105, in _init_extension\n    _load_lib("libtorchaudio")\n  File "/opt/v/lib/python3.9/site-packages/torchaudio/_extension.py", line 52, in _load_lib\n    torch.ops.load_library(path)',
            '  File "/opt/v/lib/python3.9/site-packages/torchaudio/_extension.py", line 52, in _load_lib\n    torch.ops.load_library(path)\n  File "/opt/v/lib/python3.9/site-packages/torch/_ops.py", line 643, in load_library\n    ctypes.CDLL(path)\n  File "/usr/lib/python3.9/ctypes/__init__.py", line 382, in __init__\n    self._handle = _dlopen(self._name, mode)',
            "OSError: /opt/asr/lib/python3.10/site-packages/torchaudio/lib/libtorchaudio.so: undefined symbol: "
            "_ZN2at4_ops10zeros_like4callERKNS_6TensorE",
            "RuntimeError: Detected that PyTorch and TorchAudio were compiled with different CUDA versions. PyTorch has CUDA version "
            "12.6 whereas TorchAudio has CUDA version 12.4.",
            "    import _torch_sox\nImportError: /opt/venv/lib/python3.7/site-packages/_torch_sox.cpython-37m-x86_64-linux-gnu.so: undefined symbol: _ZN3c1011CPUTensorIdEv",
            "FileNotFoundError: Could not find module 'C:\\v\\Lib\\site-packages\\torchaudio\\lib\\libtorchaudio.pyd' (or one of its dependencies). Try using the full path with constructor syntax.",
        ),
        counterexamples=("torchaudio backend: soundfile",),
    ),
    Cause(
        slug="xformers-mismatch",
        title="xformers was built for another torch, CUDA or Python than the installed one",
        why="The xformers wheel contains kernels compiled for exactly one torch and CUDA version. With another torch they do not load "
        "and memory-efficient attention is unavailable.",
        signs=(
            Sign(r"xformers::\w+\(\) expected at most"),
            Sign(r"Could not run 'xformers::\w+'"),
            Sign(r"No such operator xformers\w*::\w+"),
            Sign(r"operator xformers\w*::\w+ does not exist"),
            Sign(r"'_OpNamespace' 'xformers\w*' object has no attribute"),
            Sign(r"cannot import name '\w+' from 'xformers[\w.]*'", FAIR),
            Sign(r"memory_efficient_attention\.cutlassF: {1,60}unavailable", FAIR, unless=(r"(?:rocm|\bhip\b|ckF: {1,60}available)",)),
            Sign(r"PyTorch (?P<built>\d[\w.+]*) with CUDA \w+ \(you have (?P<have>\d[\w.+]*)\)"),
            Sign(r"xFormers can't load C\+\+/CUDA extensions"),
            Sign(r"xFormers wasn't buil[dt] with CUDA support"),
            Sign(r"operator wasn't built - see `?python -m xformers\.info`?", FAIR),
            Sign(r"xformers[/\\]_C\w*\.(?:so|pyd).{0,40}(?:undefined symbol|cannot open|DLL load failed)"),
            Sign(r"DLL load failed while importing _C: .{0,80}", FAIR, also=(r"xformers",)),
            Sign(r"No operator found for `?memory_efficient_attention", FAIR, unless=(r"requires device with capability", r"device=cpu")),
            Sign(r"No module named 'xformers\._C", FAIR),
            ends_in("xformers/ops/fmha/dispatch.py", "_run_priority_list"),
            Sign(r"WinError 127.{0,200}xformers[/\\]"),
            Sign(r"module 'xformers(?:\.\w+){0,3}' has no attribute '\w+'", FAIR),
        ),
        refines=(
            "cpp-extension-abi-mismatch",
            "windows-dll-version-conflict",
        ),
        fixes=(
            Fix(
                "Reinstall xformers in the version built for the installed torch ({have|see pip show torch}), from the same CUDA wheel "
                "index and without letting it replace torch.",
                (
                    'python -c "import torch; print(torch.__version__, torch.version.cuda)"',
                    "pip uninstall -y xformers",
                    "pip install xformers --index-url https://download.pytorch.org/whl/cu128",
                    "python -m xformers.info",
                ),
            ),
            Fix(
                "Or upgrade torch and xformers together in one command, so that the versions match.",
                ("pip install -U torch torchvision xformers --index-url https://download.pytorch.org/whl/cu128",),
            ),
            Fix(
                "Or do without: uninstall xformers; scaled_dot_product_attention of torch 2 does the same work.",
                ("pip uninstall -y xformers",),
            ),
        ),
        decide="python -m xformers.info",
        examples=(
            "RuntimeError: xformers::efficient_attention_forward_cutlass() expected at most 8 argument(s) but received 13 argument(s).",
            "NotImplementedError: Could not run 'xformers::efficient_attention_forward_cutlass' with arguments from the 'CUDA' backend.",
            "RuntimeError: No such operator xformers::efficient_attention_forward_generic - did you forget to build xformers with `python setup.py develop`?",
            "xFormers 0.0.26\nmemory_efficient_attention.cutlassF:               unavailable\nmemory_efficient_attention.cutlassB:               unavailable",
            "WARNING[XFORMERS]: xFormers can't load C++/CUDA extensions. xFormers was built for:\n    PyTorch 2.3.0+cu121 with CUDA 1201 "
            "(you have 2.2.1+cu118)\n    Python  3.10.14 (you have 3.10.6)",
            r"AttributeError: module 'xformers' has no attribute 'ops'",
        ),
        counterexamples=(
            "No module 'xformers'. Proceeding without it.\nINFO model loaded",
            "xFormers 0.0.27 memory_efficient_attention.cutlassF: available",
        ),
    ),
)
