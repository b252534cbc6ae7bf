"""The compiled code has no kernels for this GPU: torch too old or too new for it, or an extension built for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign

_NO_IMAGE = r"no kernel image is available for execution on the device"
_TORCH_FRAME = (
    r"(?:site|dist)-packages/torch/(?:nn|_tensor|functional|cuda|utils|random|_prims|optim|amp)[\w/.]{0,60}\", line \d+, in \w+ "
    r".{0,200}CUDA error: no kernel image"
)
_OLD_GPU = (
    r"(?:GTX (?:TITAN|[4-9]\d\d|10[5-8]0|TITAN X)|TITAN X[p ]|Tesla (?:K|M|P)\d|Quadro (?:K|M|P)\d|Tesla V100|TITAN V|GT "
    r"\d{3,4}\b|GeForce (?:MX|9\d0M|GT |8\d0)|NVS \d|Tesla C\d)"
)
_NEW_GPU = (
    r"(?:\((?:10|12), [01]\)|RTX 50[5-9]0|RTX PRO \d000|\bB[23]00\b|\bGB[123]0\d?\b|Blackwell|sm_1[02]\d|compute capability 1[02]\.\d)"
)
_INDEX_NEW = "pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128"


def _newer(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether the GPU's sm number is not below all that the build has."""
    numbers = _built_for(groups)
    return not numbers or int(groups["sm"]) >= min(numbers)


def _older(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether the GPU's sm number is below all that the build has."""
    numbers = _built_for(groups)
    return bool(numbers) and int(groups["sm"]) < min(numbers)


def _built_for(groups: Mapping[str, str]) -> list[int]:
    words = groups.get("built", "").replace(",", " ").split()
    digits = ["".join(char for char in word.split("_")[-1] if char.isdigit()) for word in words]
    return [int(number) for number in digits if number]


def _below(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether the GPU's compute capability is below the lowest of the build."""
    return float(groups["capability"]) < float(groups["lowest"])


def _not_below(groups: Mapping[str, str], situation: Any) -> bool:
    return not _below(groups, situation)


_FOUND = (
    r"Found GPU\d+ (?P<gpu>[\w ./-]{2,60}) which is of (?:cuda capability|compute capability \(CC\)) (?P<capability>\d{1,2}\.\d)\. "
    r".{20,130}?(?:PyTorch is \(|supports: - )(?P<lowest>\d{1,2}\.\d)"
)
_INCOMPATIBLE = (
    r"(?P<gpu>\w[\w .-]{2,50}?) with CUDA capability sm_(?P<sm>\d+) is not compatible with the current PyTorch installation\. The "
    r"current PyTorch install supports CUDA capabilities (?P<built>[\w ]{0,120})"
)

CAUSES = (
    Cause(
        slug="no-kernel-image-new-gpu",
        title="The GPU is newer than the architectures this torch build was compiled for",
        why="A torch wheel contains machine code for a list of GPU architectures. This GPU ({gpu|its architecture}) came later and is "
        "not in the list, so the first kernel has no image to run.",
        signs=(
            Sign(_INCOMPATIBLE, test=_newer),
            Sign(_FOUND, test=_not_below),
            Sign(
                r"with CUDA capability sm_(?:1[0-9]\d|8[679]|90) is not compatible with the current PyTorch installation",
                unless=(r"sm_(?:100|120)\.",),
            ),
            Sign(_NO_IMAGE, also=(_NEW_GPU,), unless=(r"too old",)),
            Sign(_TORCH_FRAME, FAIR, unless=(r"too old", _OLD_GPU, r"capability:? ?[3-6]\.\d")),
            Sign(r"CUDA error: " + _NO_IMAGE, FAIR, also=(r"RTX (?:30|40)\d0",), unless=(r"too old",)),
            Sign(r"Found GPU\d+ (?P<gpu>[\w ./-]{2,60}) which is of (?:cuda capability|compute capability \(CC\)) 1[0-9]\.\d", FAIR),
            Sign(r"\b(?:sm|compute)_1[02]\d\b.{0,80}not supported", FAIR, unless=(r"ptxas", r"nvcc fatal")),
            Sign(r"with CUDA capability sm_1[0-9]\d is not compatible"),
            Sign(r"If you want to use the (?P<gpu>[\w .-]{2,60}) GPU with PyTorch, please check", FAIR, unless=(_OLD_GPU,)),
            Sign(
                r"Please install PyTorch with a following CUDA configurations",
                FAIR,
                unless=(_OLD_GPU, r"capability:? ?[3-7]\.\d", r"\bsm_[3-7]\d is not"),
            ),
            Sign(r"invalid device function", FAIR, also=(r"(?:THC|ATen|aten)[/\\]",), unless=(_OLD_GPU, r"\b(?:HIP|ROCm)\b")),
        ),
        explains=("native-segfault", "cudnn-not-initialized", "cublas-execution-failed", "cuda-no-device-error"),
        fixes=(
            Fix(
                "Upgrade torch to a build that has this GPU: torch 2.7 or newer for CUDA 12.8 (cu128) or later for Blackwell (RTX 50, "
                "B200, sm_100, sm_120); a cu118 or newer build for RTX 40 and H100; cu111 or newer for RTX 30. Rebuild compiled "
                "extensions afterwards.",
                (
                    "pip uninstall -y torch torchvision torchaudio",
                    _INDEX_NEW,
                    'python -c "import torch; print(torch.__version__, torch.cuda.get_arch_list())"',
                ),
            ),
            Fix(
                "If torch.cuda.get_arch_list() shows that the GPU is older than all of them, it is the reverse: install a build that "
                "still has it (cu126, or an older torch). Until then run on the CPU.",
                code='device = torch.device("cpu")',
            ),
        ),
        wrong_advice="CUDA_LAUNCH_BLOCKING and TORCH_USE_CUDA_DSA, which the message proposes, do not help: no kernel exists for this GPU.",
        decide='python -c "import torch; print(torch.cuda.get_arch_list(), torch.cuda.get_device_capability())"',
        examples=(
            "If you want to use the NVIDIA GeForce RTX 5070 Ti GPU with PyTorch, please check the instructions at https://pytorch.org/get-started/locally/",
            "UserWarning: GeForce RTX 3090 with CUDA capability sm_86 is not compatible with the current PyTorch installation.",
            "UserWarning: \nNVIDIA GeForce RTX 5080 with CUDA capability sm_120 is not compatible with the current PyTorch "
            "installation.\nThe current PyTorch install supports CUDA capabilities sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90.",
        ),
        counterexamples=(
            "NVIDIA GeForce GTX 1060 with CUDA capability sm_61 is not compatible with the current PyTorch installation.\nThe current "
            "PyTorch install supports CUDA capabilities sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120.",
        ),
    ),
    Cause(
        slug="no-kernel-image-old-gpu",
        title="The GPU is older than the architectures this torch build still contains",
        why="Each torch release drops old GPU architectures from its wheels. This GPU ({gpu|its architecture}) is no longer in the list "
        "of this build, so there is no machine code for it.",
        signs=(
            Sign(r"is not compatible with devices with SM ?< ?\d"),
            Sign(r"invalid device function", FAIR, also=(r"(?:cuda |compute )?capability:? ?(?:is )?[23]\.\d",)),
            Sign(_INCOMPATIBLE, test=_older),
            Sign(_FOUND, test=_below),
            Sign(r"PyTorch no longer supports this GPU because it is too old"),
            Sign(r"The minimum cuda capability (?:that we support|supported by this library) is (?P<minimum>[\d.]+\d)"),
            Sign(r"Found GPU\d+ (?P<gpu>[\w ./-]{2,60}) which is of (?:cuda capability|compute capability \(CC\)) [3-6]\.\d"),
            Sign(
                r"Minimum and Maximum cuda capability supported by this version of PyTorch is",
                FAIR,
                unless=(r"cuda capability 1[0-9]\.",),
            ),
            Sign(_NO_IMAGE, FAIR, also=(_OLD_GPU,), unless=(r"RTX (?:[345]0|PRO)",)),
            Sign(
                _NO_IMAGE,
                FAIR,
                also=(r"(?:P100|P40|K80|M40|M60|GTX 9|GTX 10|V100|capability:? ?[3-6]\.\d)",),
                unless=(r"RTX (?:[345]0|PRO)",),
            ),
            Sign(
                _NO_IMAGE + r" at \S{0,80}(?:aten|THC|ATen)[/\\]",
                unless=(_NEW_GPU, r"RTX (?:[345]0|PRO)", r"(?:A100|H100|H200|A10|L40?S?)\b"),
            ),
            Sign(r"(?P<gpu>\w[\w .-]{2,50}?) with CUDA capability sm_[2-6]\d is not compatible with the current PyTorch", FAIR),
            Sign(r"If you want to use the (?P<gpu>[\w .-]{2,60}) GPU with PyTorch, please check", FAIR, also=(_OLD_GPU,)),
            Sign(r"Please install PyTorch with a following CUDA configurations", FAIR, also=(_OLD_GPU,)),
        ),
        explains=("native-segfault", "cudnn-not-initialized"),
        fixes=(
            Fix(
                "Install a torch build that still has the architecture: for Maxwell, Pascal and Volta the cu126 wheels (torch 2.6 and "
                "later), for older cards an older torch (Kepler sm_37: cu118 builds up to 2.7).",
                (
                    "pip uninstall -y torch torchvision torchaudio",
                    "pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu126",
                ),
            ),
            Fix(
                "Or build torch from source with TORCH_CUDA_ARCH_LIST set to this GPU's compute capability and a CUDA toolkit that still "
                "knows it.",
                ('export TORCH_CUDA_ARCH_LIST="3.5"',),
            ),
            Fix("Or run on the CPU, or on a newer GPU.", code='device = torch.device("cpu")'),
        ),
        wrong_advice="CUDA_LAUNCH_BLOCKING, which the message proposes, does not help: no kernel exists for this GPU.",
        decide='python -c "import torch; print(torch.cuda.get_arch_list(), torch.cuda.get_device_capability())"',
        examples=(
            "RuntimeError: cuDNN version 91200 is not compatible with devices with SM < 7.5. Please install a version of PyTorch with a compatible cuDNN version.",
            "GeForce 610M, cuda capability 2.1\ncuda runtime error (8) : invalid device function",
            "box with three Tesla K40c\nRuntimeError: parallel_for failed: cudaErrorNoKernelImageForDevice: no kernel image is available for execution on the device",
            "Tesla P40 with CUDA capability sm_61 is not compatible with the current PyTorch installation.\nThe current PyTorch install "
            "supports CUDA capabilities sm_75 sm_80 sm_86 sm_90 sm_100 sm_120.",
            "    Found GPU0 Tesla K40m which is of cuda capability 3.5.\n    PyTorch no longer supports this GPU because it is too "
            "old.\n    The minimum cuda capability supported by this library is 3.7.",
            "Tesla P40 with CUDA capability sm_61 is not compatible with the current PyTorch installation.",
        ),
        counterexamples=("Tesla P40, compute capability 6.1: 24 GB, running",),
    ),
    Cause(
        slug="ext-missing-gpu-arch",
        title="A compiled extension was built without this GPU's architecture",
        why="torch itself runs on this GPU. The kernel that failed belongs to an extension that was compiled for other architectures (on "
        "another machine, or with TORCH_CUDA_ARCH_LIST set to others).",
        signs=(
            Sign(r"error in \w{3,60}: no kernel image", FAIR),
            Sign(r"\(209 vs\. 0\)", FAIR),
            Sign(r"compiled without (?:any )?support for the current GPU architecture", FAIR),
            Sign(
                _NO_IMAGE,
                also=(
                    r"(?:ext_module|_ext\b|(?<!torch\.)\b_C\.|_cuda\.|cpp_extension|/mmcv/|/apex/|detectron2|pytorch3d|spconv|"
                    r"MinkowskiEngine|kaolin|nvdiffrast|flash_attn|xformers|exllama|auto_gptq|awq|torch_scatter|torch_sparse|"
                    r"torch_cluster|tinycudann|diff_gaussian|bitsandbytes|deepspeed/ops|vllm|lightseq|fused_|warpctc|pointnet2|custom_op)",
                ),
                near=3000,
            ),
            Sign(r"CUDA error in \S+ at line \d+:? ?" + _NO_IMAGE),
            Sign(
                r"(?:error in|CUDA Error:?|CUDA kernel failed ?:|cudaCheckError\(\)[^:]{0,60}:|CUDAKernelError:?|Error ?:|GPUassert: "
                r"?)[\w \t./:-]{0,80}" + _NO_IMAGE,
                FAIR,
                unless=(r"RuntimeError: CUDA error: no kernel image", r"parallel_for failed"),
            ),
            Sign(r"CUDA error 209[ :\[(]", FAIR, also=(r"no kernel image",)),
            Sign(
                r"RuntimeError: CUDA error: " + _NO_IMAGE,
                FAIR,
                unless=(
                    r"is not compatible with the current PyTorch",
                    r"too old",
                    _NEW_GPU,
                    _OLD_GPU,
                    _TORCH_FRAME,
                ),
            ),
            Sign(_NO_IMAGE, FAIR, unless=(r"CUDA error: no kernel image", r" at \S{0,80}(?:aten|THC|ATen)[/\\]", _OLD_GPU)),
            Sign(
                r"cudaErrorNoKernelImageForDevice",
                FAIR,
                unless=(r"is not compatible with the current PyTorch", r"too old", r"parallel_for failed", _OLD_GPU),
            ),
            Sign(r"CUDA error: invalid device function", FAIR),
            Sign(r"cudaCheckError\(\) failed ?: invalid device function"),
            Sign(r"error=(?:8|98) ?: invalid device function", unless=(r"(?:THC|ATen|aten)[/\\]",)),
            Sign(r"cuda execution failed with error (?:98|209)\b"),
            Sign(r"CUDA (?:error|failure) \(?98\b", FAIR, unless=(r"\b(?:HIP|ROCm)\b",)),
            Sign(r"cudaErrorInvalidDeviceFunction", FAIR),
            Sign(r"has no device code compatible with CUDA arch"),
            Sign(r"SM\d{2,3} kernel is not available"),
            Sign(r"is for sm\d{2,3}\S{0,8}, but was built for sm", FAIR),
            Sign(r"Error named symbol not found at line \d+ in file \S{0,160}\.cu", FAIR),
            Sign(
                r"invalid device function", FAIR, also=(r"\.cu\b",), unless=(r"\b(?:HIP|ROCm|hip)\b", r"(?:THC|ATen|aten)[/\\]"), near=300
            ),
            Sign(r"detectron2 arch flags {1,40}\S", FAIR, also=(_NO_IMAGE,)),
        ),
        unless=(r"is not compatible with the current PyTorch installation", r"PyTorch no longer supports this GPU"),
        refines=("fp8-needs-newer-gpu", "no-kernel-image-old-gpu", "no-kernel-image-new-gpu"),
        fixes=(
            Fix(
                "Rebuild (reinstall from source) the extension on this machine with TORCH_CUDA_ARCH_LIST containing the GPU's compute "
                "capability (for example 7.0 for V100, 8.0 for A100, 8.6 for RTX 30, 8.9 for RTX 40, 9.0 for H100, 12.0 for RTX 50).",
                (
                    'python -c "import torch; print(torch.cuda.get_device_capability(), torch.cuda.get_arch_list())"',
                    'TORCH_CUDA_ARCH_LIST="7.0;8.0;8.6;8.9;9.0" pip install --no-build-isolation --no-cache-dir --force-reinstall '
                    "--no-deps PACKAGE",
                ),
            ),
            Fix(
                "If get_arch_list() does not cover the capability, torch itself lacks it: install a torch build that has it (newer GPU: "
                "cu128 or later; older GPU: cu126 or an older torch).",
                (_INDEX_NEW,),
            ),
        ),
        wrong_advice="CUDA_LAUNCH_BLOCKING, which the message proposes, does not help: no kernel exists for this GPU.",
        decide="python -c \"import torch; x = torch.ones(2, device='cuda'); print(x + x, torch.cuda.get_arch_list())\"",
        examples=(
            "error in modulated_deformable_im2col_cuda: no kernel image is available",
            "Check failed: error == cudaSuccess (209 vs. 0) : no kernel image",
            "ERROR: ggml-cuda was compiled without support for the current GPU architecture.",
            "ERROR: CUDA kernel mul_mat_q has no device code compatible with CUDA arch 520. ggml-cuda.cu was compiled for: 600,700",
            "RuntimeError: SM89 kernel is not available. Make sure you GPUs with compute capability 8.9.",
            "THCudaCheck FAIL file=/src/ops/roi_pool_kernel.cu line=88 error=98 : invalid device function",
            "FATAL: kernel `fmha_cutlassF_f16_aligned_64x64_rf_sm80` is for sm80-sm100, but was built for sm75",
            '  File "/srv/det/mmcv/ops/roi_align.py", line 88, in forward\n    ext_module.roi_align_forward(\nRuntimeError: CUDA '
            "error: no kernel image is available for execution on the device",
        ),
        counterexamples=(
            "HIP error: invalid device function",
            "RuntimeError: CUDA error: an illegal memory access was encountered",
        ),
    ),
)
