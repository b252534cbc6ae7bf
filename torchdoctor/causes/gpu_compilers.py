"""Compilers of GPU code (nvcc, NVRTC, ptxas, the driver) that do not know this GPU or this PTX, or for which GPU to compile."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_INDEX_NEW = "pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128"

CAUSES = (
    Cause(
        slug="nvrtc-arch-unsupported",
        title="The run-time compiler (NVRTC) of this torch build is too old for the GPU",
        why="torch compiles fused kernels while the program runs, with the NVRTC of the CUDA version it was built with. That version "
        "does not know this GPU's architecture.",
        signs=(
            Sign(r"nvrtc: error: invalid value for --gpu-architecture"),
            Sign(r"invalid value for --gpu-architecture \(-arch\)"),
            Sign(r"NVRTC_ERROR_INVALID_OPTION", FAIR),
            Sign(r"nvrtc: error: .{0,20}(?:unsupported|unknown).{0,20}arch", FAIR),
        ),
        fixes=(
            Fix(
                "Upgrade to a torch build for a newer CUDA: cu111 or newer for RTX 30 (sm_86), cu118 (CUDA 11.8) or newer, that is torch "
                "2.0 and later, for RTX 40 (sm_89) and H100, cu128 for RTX 50. torch 1.13 with cu117 is the oldest that copes with RTX "
                "40.",
                ("pip uninstall -y torch torchvision torchaudio", _INDEX_NEW),
            ),
            Fix(
                "As a stopgap keep the fusers off, so that nothing is compiled at run time.",
                code="torch._C._jit_set_nvfuser_enabled(False)\ntorch._C._jit_set_texpr_fuser_enabled(False)",
            ),
        ),
        decide='python -c "import torch; print(torch.version.cuda, torch.cuda.get_device_name())"',
        examples=(
            "RuntimeError: The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript (most recent call last):\nRuntimeError: nvrtc: error: invalid value for --gpu-architecture (-arch)",
            "RuntimeError: nvrtc: error: invalid value for --gpu-architecture (-arch)\n\nnvrtc compilation failed:",
        ),
        counterexamples=("argument error: invalid value for --device",),
    ),
    Cause(
        slug="ptx-toolchain",
        title="The PTX was produced by a CUDA toolkit newer than the driver can compile",
        why="The binary holds no machine code for this GPU, only PTX, which the driver has to compile. The PTX comes from a newer CUDA "
        "minor version than this driver's compiler knows.",
        signs=(
            Sign(r"CUDA (?:driver |runtime )?(?:error|failure):? \(?222\b"),
            Sign(r"the provided PTX was compiled with an unsupported toolchain"),
            Sign(r"CUDA_ERROR_UNSUPPORTED_PTX_VERSION"),
            Sign(r"cudaErrorUnsupportedPtxVersion"),
            Sign(r"Unsupported \.version (?P<ptx>\d\.\d); current version is"),
            Sign(r"a PTX JIT compilation failed", FAIR),
            Sign(r"device kernel image is invalid", FAIR),
            Sign(r"cudaErrorInvalidPtx"),
            Sign(r"UNSUPPORTED_PTX_VERSION"),
            Sign(r"CUDA_ERROR_INVALID_PTX", FAIR),
        ),
        explains=("torch-compile-unsupported",),
        fixes=(
            Fix(
                "Update (upgrade) the NVIDIA driver to one at least as new as the toolkit: 525 for CUDA 12.0, 550 for 12.4, 570 for "
                "12.8, 580 for 13.0.",
                ("nvidia-smi",),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "Or install an older build: a torch wheel (or rebuild the extension with a toolkit) whose CUDA is not newer than what "
                "nvidia-smi shows.",
                ("pip install torch torchvision --index-url https://download.pytorch.org/whl/cu118",),
            ),
        ),
        decide='nvidia-smi; nvcc --version; python -c "import torch; print(torch.version.cuda)"',
        examples=(
            "CUDA failure 222: the provided PTX was compiled",
            "cuModuleLoadData failed: UNSUPPORTED_PTX_VERSION (222)",
            "RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain.",
        ),
        counterexamples=("unsupported toolchain file in CMake",),
    ),
    Cause(
        slug="ptxas-arch-unsupported",
        title="The ptxas that Triton uses is too old for this GPU",
        why="Triton calls the ptxas it was shipped with to make machine code. That ptxas belongs to a CUDA version that does not know "
        "{arch|this GPU's architecture}.",
        signs=(
            Sign(r"ptxas[\w-]{0,14} fatal ?: Value .(?P<arch>sm_\w{2,6})"),
            Sign(r"ptxas fatal ?: Value '(?P<arch>sm_\w+)' is not defined for option 'gpu-name'"),
            Sign(r"ptxas fatal ?: Unsupported \.target '?(?P<arch>sm_\w+)", FAIR),
            Sign(r"ptxas.{0,40}Unknown option.{0,40}gpu-name", FAIR),
            Sign(r"PTXASError: PTXAS error: Internal Triton PTX codegen error", FAIR, also=(r"sm_1[0-9]\d",)),
            Sign(r"'(?P<arch>sm_1[0-9]\d\w?)' is not a recognized processor for this target"),
            Sign(r"'(?P<arch>sm_\w+)' is not defined for option 'gpu-name'"),
            Sign(r"ptxas fatal ?: Unsupported gpu architecture"),
            Sign(r"PTX \.version [\d.]+ does not support \.target (?P<arch>sm_\w+)"),
            Sign(r"does not support \.target (?P<arch>sm_\w+)", FAIR),
        ),
        refines=(
            "triton-compile-failed",
            "torch-compile-cpp-error",
        ),
        fixes=(
            Fix(
                "Point TRITON_PTXAS_PATH at the ptxas of a newer CUDA toolkit that knows the GPU (CUDA 12.8 for sm_120, CUDA 13 for "
                "sm_121a).",
                ("export TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas",),
            ),
            Fix(
                "Or upgrade torch and triton together to a build for a newer CUDA (cu128, cu130).",
                ("pip install -U torch --index-url https://download.pytorch.org/whl/cu130",),
            ),
            Fix("Or run without torch.compile until then.", ("export TORCHDYNAMO_DISABLE=1",)),
        ),
        examples=(
            "triton.runtime.errors.PTXASError: PTXAS error: Internal Triton PTX codegen error\n`ptxas` stderr:\nptxas fatal   : Value 'sm_103a' is not defined",
            "ptxas /tmp/tmpq.ptx, line 5; error   : PTX .version 8.6 does not support .target sm_120a",
            "ptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'",
        ),
        counterexamples=("ptxas info : Compiling entry function for 'sm_90'",),
    ),
    Cause(
        slug="nvcc-unsupported-arch",
        title="nvcc is too old for the GPU architecture it is asked to compile for",
        why="torch's build tools pass the GPU's compute capability to nvcc. The toolkit that was found (CUDA_HOME) is older than the "
        "GPU, or newer than the old architecture in the list, and refuses it.",
        signs=(
            Sign(r"nvcc fatal ?: Unsupported gpu architecture '(?P<arch>compute_\w+)'"),
            Sign(r"nvcc fatal ?: Value '(?P<arch>sm_\w+)' is not defined for option 'gpu-(?:architecture|code)'"),
            Sign(r"Unsupported gpu architecture '(?P<arch>compute_\w+)'"),
            Sign(r"Unknown CUDA arch \((?P<arch>[\d.+A-Zx]+)\) or GPU not supported"),
            Sign(r"Unsupported CUDA arch\w{0,8} .{0,3}\d", FAIR),
            Sign(r"Unknown CUDA Architecture Name"),
            Sign(r"nvcc fatal.{0,40}compute_\d+.{0,20}unsupported", FAIR),
        ),
        explains=("ninja-build-failed", "pip-build-failed", "deepspeed-adam-del-attributeerror"),
        fixes=(
            Fix(
                "Install a newer CUDA toolkit that knows the architecture (12.8 for compute_120, 11.8 for compute_89 and compute_90, "
                "11.1 for compute_86) and point CUDA_HOME at it.",
                ("nvcc --version", "export CUDA_HOME=/usr/local/cuda-12.8", "export PATH=$CUDA_HOME/bin:$PATH"),
            ),
            Fix(
                "Or restrict TORCH_CUDA_ARCH_LIST to what this nvcc knows (add +PTX so that newer GPUs can compile it themselves).",
                ('export TORCH_CUDA_ARCH_LIST="8.0+PTX"',),
            ),
        ),
        decide="nvcc --list-gpu-arch; nvidia-smi --query-gpu=name,compute_cap --format=csv",
        examples=(
            "CMake Error: Unknown CUDA Architecture Name 9.0a in CUDA_SELECT_NVCC_ARCH_FLAGS",
            "nvcc fatal   : Unsupported gpu architecture 'compute_89'\nninja: build stopped: subcommand failed.",
        ),
        counterexamples=("nvcc warning : The 'compute_50' architectures are deprecated",),
    ),
    Cause(
        slug="torch-cuda-arch-list-unset",
        title="The list of GPU architectures to build for is empty: no GPU is visible and TORCH_CUDA_ARCH_LIST is not set",
        why="torch's build tools take the architectures from TORCH_CUDA_ARCH_LIST, or else from the GPUs they see. On a build machine or "
        "in docker build there is no GPU, so nothing is left (arch_list[-1] fails).",
        signs=(
            Sign(r"IndexError: list index out of range", FAIR, also=(r"TORCH_CUDA_ARCH_LIST is not set",)),
            Sign(r"arch_list\[-1\] \+= '\+PTX'"),
            Sign(r"IndexError: list index out of range", also=(r"_get_cuda_arch_flags",)),
            Sign(r"TORCH_CUDA_ARCH_LIST is not set.{0,80}(?:no GPU|all archs)", WEAK, also=(r"Error",)),
            Sign(r"_get_cuda_arch_flags", FAIR, also=(r"(?:IndexError|list index out of range)",)),
            ends_in("torch/utils/cpp_extension.py", "_get_cuda_arch_flags"),
            Sign(r"Unknown compute capability\. Specify the target compute capabilities"),
            Sign(r"Unknown CUDA arch \(\) or GPU not supported"),
            Sign(r"CUDA_ARCHITECTURES is set to .{0,3}native.{0,3}, but no NVIDIA GPU was detected"),
            Sign(r"CMAKE_CUDA_ARCHITECTURES must be (?:non-empty|valid)"),
            Sign(r"Failed to detect a default CUDA architecture", FAIR),
            Sign(r"No CUDA arch(?:itecture)?s? (?:was |were )?(?:detected|specified|found)", FAIR),
            Sign(r"\bno (?:CUDA |NVIDIA )?(?:GPU|device)s?\b.{0,60}set TORCH_CUDA_ARCH_LIST", FAIR),
            Sign(r"(?:unable to|cannot|could not|failed to) (?:find|detect) .{0,20}GPU.{0,40}TORCH_CUDA_ARCH_LIST", FAIR),
            Sign(r"please set TCNN_CUDA_ARCHITECTURES", FAIR),
            Sign(r"Torch did not find available GPUs on this system", WEAK),
        ),
        explains=("ninja-build-failed", "pip-build-failed", "deepspeed-adam-del-attributeerror"),
        fixes=(
            Fix(
                "Set TORCH_CUDA_ARCH_LIST to the compute capabilities of the GPUs that will run it (8.0 A100, 8.6 RTX 30, 8.9 RTX 40 and "
                "L4, 9.0 H100, 12.0 RTX 50) before building.",
                ('export TORCH_CUDA_ARCH_LIST="8.0;8.6;8.9;9.0+PTX"',),
            ),
            Fix("Or build on a machine (or with docker's nvidia runtime as default) that sees the GPU.", ("nvidia-smi",)),
        ),
        examples=(
            "EnvironmentError: Unknown compute capability. Specify the target compute capabilities in the TCNN_CUDA_ARCHITECTURES environment variable or install PyTorch with the CUDA backend to detect it automatically.",
            "CMake Error: Failed to detect a default CUDA architecture.",
            "ValueError: Unknown CUDA arch () or GPU not supported",
            'CMake Error in CMakeLists.txt: CUDA_ARCHITECTURES is set to "native", but no NVIDIA GPU was detected.',
            '  File "/opt/v/lib/python3.10/site-packages/torch/utils/cpp_extension.py", line 1967, in _get_cuda_arch_flags\n'
            "    arch_list[-1] += '+PTX'\nIndexError: list index out of range",
        ),
        counterexamples=(
            "UserWarning: TORCH_CUDA_ARCH_LIST is not set, all archs for visible cards are included for compilation.\nIf this is not desired, please set os.environ['TORCH_CUDA_ARCH_LIST'].",
            '  File "app.py", line 7\n    x = items[-1]\nIndexError: list index out of range',
        ),
    ),
)
