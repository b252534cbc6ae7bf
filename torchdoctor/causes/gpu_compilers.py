"""Compilers of GPU code (nvcc, NVRTC, ptxas, the driver) that do not know this GPU or this PTX."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

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
        examples=("RuntimeError: nvrtc: error: invalid value for --gpu-architecture (-arch)\n\nnvrtc compilation failed:",),
        counterexamples=("argument error: invalid value for --device",),
    ),
    Cause(
        slug="ptx-toolchain",
        title="The PTX was produced by a CUDA toolkit newer than the driver can compile",
        why="The binary holds no machine code for this GPU, only PTX, which the driver has to compile. The PTX comes from a newer CUDA "
        "minor version than this driver's compiler knows.",
        signs=(
            Sign(r"the provided PTX was compiled with an unsupported toolchain"),
            Sign(r"CUDA_ERROR_UNSUPPORTED_PTX_VERSION"),
            Sign(r"cudaErrorUnsupportedPtxVersion"),
            Sign(r"Unsupported \.version (?P<ptx>\d\.\d); current version is"),
            Sign(r"a PTX JIT compilation failed", FAIR),
            Sign(r"device kernel image is invalid", FAIR),
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
        examples=("RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain.",),
        counterexamples=("unsupported toolchain file in CMake",),
    ),
    Cause(
        slug="ptxas-arch-unsupported",
        title="The ptxas that Triton uses is too old for this GPU",
        why="Triton calls the ptxas it was shipped with to make machine code. That ptxas belongs to a CUDA version that does not know "
        "{arch|this GPU's architecture}.",
        signs=(
            Sign(r"ptxas fatal ?: Value '(?P<arch>sm_\w+)' is not defined for option 'gpu-name'"),
            Sign(r"ptxas fatal ?: Unsupported \.target '?(?P<arch>sm_\w+)", FAIR),
            Sign(r"ptxas.{0,40}Unknown option.{0,40}gpu-name", FAIR),
            Sign(r"PTXASError: PTXAS error: Internal Triton PTX codegen error", FAIR, also=(r"sm_1[0-9]\d",)),
            Sign(r"'(?P<arch>sm_1[0-9]\d\w?)' is not a recognized processor for this target"),
        ),
        refines=("torch-compile-cpp-error",),
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
        examples=("ptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'",),
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
        examples=("nvcc fatal   : Unsupported gpu architecture 'compute_89'\nninja: build stopped: subcommand failed.",),
        counterexamples=("nvcc warning : The 'compute_50' architectures are deprecated",),
    ),
)
