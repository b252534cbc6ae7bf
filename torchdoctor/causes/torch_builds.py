"""The installed torch is a build for other hardware: CPU-only, or for another kind of Arm machine than a Jetson."""

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.causes.rank_cuda_errors import UNAVAILABLE
from torchdoctor.tracebacks import ends_in

_MAC = r"(?<![:\w])/Users/[\w.-]+/"
_REINSTALL = (
    "pip uninstall -y torch torchvision torchaudio",
    "pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",
)
_JETSON = r"(?:\btegra|\bjetson|\bJetPack|\bL4T\b|\borin\b|nvidia@)"


def _cpu_build(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether the text names a CPU-only build and does not say that the machine has no GPU."""
    return bool(situation.torch_build == "cpu" and situation.gpu != "none")


CAUSES = (
    Cause(
        slug="torch-cpu-only-build",
        title="The installed torch is a CPU-only build",
        why="This torch was compiled without CUDA (version ending in +cpu, or a wheel from an index or channel without CUDA), so it "
        "cannot use an NVIDIA GPU whatever driver or toolkit the machine has.",
        signs=(
            Sign(
                r"module '?torch\._C'? has no attribute '_cuda_(?:setDevice|getDevice|getDeviceCount|getCurrentStream|setStream|init|emptyCache|synchronize|memoryStats|resetPeakMemoryStats|getDriverVersion|isDriverSufficient|getCompiledVersion|manualSeedAll|getArchFlags|cudaHostAllocator)'",
                FAIR,
            ),
            ends_in("torch/cuda/__init__.py", "_lazy_init", code=r"raise AssertionError\("),
            Sign(r"Torch not compiled with CUDA enabled"),
            Sign(r"PyTorch was compiled without CUDA support"),
            Sign(r"type torch\.cuda\.\w+Tensor not available"),
            Sign(r"PyTorch is not linked with support for cuda devices"),
            Sign(r"Cannot initialize CUDA without ATen_cuda library", FAIR),
            *(Sign(pattern, FAIR, test=_cpu_build) for pattern in UNAVAILABLE),
            Sign(r"\bpytorch \d[\w.]* py[\d.]{1,4}_cpu_\d", FAIR, also=UNAVAILABLE[:1]),
            Sign(r"PyTorch [\d.]+\+cu\d+ with CUDA \d+ \(you have (?P<have>[\d.]+\+cpu)\)"),
            Sign(r"Could not run 'aten::empty(?:\.memory_format|_strided)' with arguments from the 'CUDA' backend"),
            Sign(r"torch\.__version__\W{1,12}\d+\.\d+\.\d+\+cpu\b", FAIR, also=(r"is_available\(\)\)?\W{1,8}False",)),
            Sign(r"CUDA used to build PyTorch: None", FAIR, also=(r"(?:NVIDIA-SMI|Nvidia driver version: \d|GPU \d: |GeForce|Tesla)",)),
            Sign(r"CUDA used to build PyTorch: (?:None|Could not collect)", FAIR, also=(r"Is CUDA available: False",)),
            Sign(r"torch(?:==|-| |: )\d+\.\d+\.\d+\+cpu\b", FAIR, also=(r"torch\.cuda\.is_available\(\)\)? ?:?(?:>>>)? ?False",)),
            Sign(
                r"torch(?:==|-| |: )\d+\.\d+\.\d+\+cpu\b",
                FAIR,
                also=(r"Invalid CUDA .{0,3}(?:device=|--device )[\d,]+.{0,3} requested",),
            ),
            Sign(r"torch(?:==|-| |: )\d+\.\d+\.\d+\+cpu\b", FAIR, also=(r"CUDA is not available",)),
            Sign(
                r"Invalid CUDA .{0,3}(?:device=|--device )[\d,]+.{0,3} requested",
                FAIR,
                also=(r"torch\.cuda\.is_available\(\): False",),
                unless=(r"CUDA_VISIBLE_DEVICES'\]: (?:-1|\d)", r"device_count\(\): [1-9]"),
            ),
            Sign(r"CUDA unavailable, invalid device (?P<device>\d+) requested", FAIR),
            Sign(r"PyTorch built with CUDA: {1,9}False", FAIR),
            Sign(
                r"(?:Py|\b)torch(?: version)?\W{0,14}\d+\.\d+\.\d+\+cpu\b",
                FAIR,
                also=(r"(?:GeForce|\bRTX ?\w{0,2}\d{3,4}|\bGTX ?\d{3,4}|Tesla [A-Z]\d|Quadro|NVIDIA-SMI|NVIDIA (?:A|H|L)\d{2,3})",),
                unless=(
                    r"\+cu\d{2,3}\b",
                    r"\brocm",
                ),
            ),
            Sign(
                r"(?:Py|\b)torch(?: version)?\W{0,14}\d+\.\d+\.\d+\+cpu\b",
                FAIR,
                also=(r"(?:Torch is not able to use GPU|CUDA\W{1,3}not available|CUDA is not available)",),
            ),
            Sign(
                r"torch\.version\.cuda\W{1,20}None\b",
                FAIR,
                also=(r"is_available\(\)\)?\W{1,8}False",),
                unless=(r"\+rocm|version\.hip\W{1,8}\d",),
            ),
            Sign(
                r"\b(?:pytorch|libtorch) {1,30}\d\S{1,20} {1,30}cpu_(?:py|mkl|generic|openblas)\w{0,40}",
                FAIR,
                also=(r"(?:\bFalse\b|CUDA (?:is )?not available|not compiled with)",),
            ),
            Sign(r"\btorch\b.{0,40}(?:built|compiled) without CUDA\b", FAIR),
            Sign(r"\b(?:torch|PyTorch) (?:is |was )?not (?:built|compiled) with CUDA\b", FAIR),
            Sign(r"(?:torch|PyTorch)\b.{0,40}\bCPU-only (?:build|version|wheel)", FAIR),
        ),
        unless=(_MAC, _JETSON, r"on (?:the )?CPU,? (?:as|which was) (?:configured|asked|intended|requested|wanted)|CPU on purpose"),
        refuted=("os=macos",),
        explains=("xformers-mismatch", "cuda-no-device-error", "cuda-hardcoded"),
        refines=("conda-pip-torch-mix",),
        fixes=(
            Fix(
                "Uninstall torch and install a CUDA build from the PyTorch wheel index, into the same interpreter; then "
                "torch.version.cuda must not be None. The cu126 and cu128 wheels need driver 525 or newer (570 for RTX 50), the cu130 "
                "wheels 580.",
                (*_REINSTALL, 'python -c "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available())"'),
            ),
            Fix(
                "With conda: the solver chose a cpu_* build; remove pytorch and install pytorch-gpu from conda-forge (or the pip wheel).",
                ("conda remove pytorch torchvision", "conda install -c conda-forge pytorch-gpu"),
                when="installer=conda",
            ),
            Fix(
                "Where there is no NVIDIA GPU: do not hard-code cuda; run on the CPU.",
                code='device = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
            ),
        ),
        decide='python -c "import torch; print(torch.__version__, torch.version.cuda)"; nvidia-smi',
        examples=(
            "AttributeError: module 'torch._C' has no attribute '_cuda_setDevice'",
            '  File "/opt/v/lib/python3.10/site-packages/torch/cuda/__init__.py", line 239, in _lazy_init\n    raise AssertionError(',
            '  File "C:\\envs\\gen\\lib\\site-packages\\torch\\cuda\\__init__.py", line 239, in _lazy_init\n    raise '
            'AssertionError("Torch not compiled with CUDA enabled")\nAssertionError: Torch not compiled with CUDA enabled',
            "    PyTorch 2.3.0+cu121 with CUDA 1201 (you have 2.3.0+cpu)\n    Python  3.10.14 (you have 3.10.12)",
            "$ pip list | grep torch\ntorch              2.4.0+cpu\n$ python -c 'import torch; print(torch.cuda.is_available())'\nFalse\n$ nvidia-smi -L\nGPU 0: NVIDIA A10 (UUID: GPU-2)",
            "System info:\n  device: cpu\n  torch:  2.1.0+cpu\nThe machine has a GeForce RTX 3060 with driver 551.23, and still everything runs on the CPU.",
            "RuntimeError: Torch is not able to use GPU; add --skip-torch-cuda-test to COMMANDLINE_ARGS variable to disable this check\ntorch: 2.0.1+cpu",
        ),
        counterexamples=(
            'File "/Users/kim/x.py", line 3, in <module>\nAssertionError: Torch not compiled with CUDA enabled',
            "torch 2.4.0+cpu, torch.cuda.is_available() = False, running on the CPU as intended\nepoch 1 done",
            "torch-2.4.0+cpu installed, running on cpu as asked\nepoch 1 done",
            "torch 2.4.0+cu124 replaced torch 2.4.0+cpu, NVIDIA GeForce RTX 3060, epoch 1 done",
        ),
    ),
    Cause(
        slug="jetson-wheel",
        title="A generic aarch64 torch wheel without CUDA is installed on a Jetson",
        why="PyPI's aarch64 wheels are made for servers or the CPU. The Jetson's integrated GPU needs NVIDIA's own torch build for the "
        "installed JetPack version.",
        signs=(
            Sign(r"Torch not compiled with CUDA enabled", also=(_JETSON,)),
            Sign(r"torch-\d[\w.+]*-cp\d+-cp\d+m?-(?:linux|manylinux\w*)_aarch64\.whl", FAIR, also=(_JETSON, r"CUDA")),
            Sign(r"torch\.cuda\.is_available\(\)", FAIR, also=(_JETSON, r"\bFalse\b", r"aarch64")),
            Sign(r"Is CUDA available: False", FAIR, also=(_JETSON,)),
            Sign(r"Found no NVIDIA driver on your system", FAIR, also=(_JETSON,)),
            Sign(r"torchvision::nms", FAIR, also=(_JETSON, r"does not exist")),
            Sign(r"is_available\(\).{0,12} False\b", FAIR, also=(_JETSON,)),
            Sign(r"CUDA available: {1,3}(?:False|No)\b", FAIR, also=(_JETSON,)),
            Sign(r"Invalid CUDA .{0,3}(?:device=|--device )[\d,]+.{0,3} requested", FAIR, also=(_JETSON,)),
            Sign(r"torch-\d\S{1,24} CPU \(ARMv8", FAIR, also=(_JETSON,)),
            Sign(
                r"CUDA (?:device )?(?:is )?(?:unavailable|not avail\w{3,6})",
                FAIR,
                also=(
                    _JETSON,
                    r"\btorch\b",
                ),
            ),
        ),
        refines=("torch-cpu-only-build", "cuda-unavailable-no-driver"),
        fixes=(
            Fix(
                "Uninstall the generic wheel and install NVIDIA's torch wheel for this JetPack version (with the torchvision built for "
                "it).",
                ("cat /etc/nv_tegra_release", "pip uninstall -y torch torchvision"),
            ),
            Fix("Or run in NVIDIA's l4t-pytorch container for this JetPack, started with --runtime nvidia."),
        ),
        url="https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/index.html",
        examples=(
            "nvidia@orin-4:~$ python3 cam.py\nAssertionError: Torch not compiled with CUDA enabled",
            "Jetson Orin NX, JetPack 6.1\nUltralytics 8.3.70 Python-3.10.12 torch-2.5.1 CPU (ARMv8 Processor rev 1 (v8l))\nValueError: Invalid CUDA 'device=0' requested. Use 'device=cpu' or pass valid CUDA device(s) if available",
        ),
        counterexamples=("nvidia@orin-4:~$ python3 cam.py\nfps 31.2",),
    ),
)
