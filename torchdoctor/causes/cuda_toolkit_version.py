"""Building CUDA extensions: a toolkit of another version than the CUDA that torch was built with."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_ECHOES = ("ninja-build-failed", "pip-build-failed", "deepspeed-adam-del-attributeerror")

CAUSES = (
    Cause(
        slug="ext-cuda-version-mismatch",
        title="The CUDA toolkit that would compile the extension differs from the CUDA torch was built with",
        why="An extension must be compiled with the CUDA major version of torch. nvcc of the system is {found|another} and torch was "
        "built with {built|another one}, so torch's build tools refuse.",
        signs=(
            Sign(r"Please make sure to use the same CUDA versions", FAIR),
            Sign(r"compiled with a version of Cuda that does not match", FAIR),
            Sign(r"Pytorch binaries were compiled with Cuda \d", FAIR),
            ends_in("setup.py", "check_cuda_torch_binary_vs_bare_metal"),
            Sign(
                r"The detected CUDA version \((?P<found>[\d.]+\d)\) mismatches the version that was used to compile ?PyTorch "
                r"\((?P<built>[\d.]+\d)\)"
            ),
            Sign(r"The detected CUDA version \((?P<found>[\d.]+\d)\) mismatches the version", FAIR),
            Sign(r"The detected CUDA version \(%s\) mismatches the version"),
            Sign(r"Installed CUDA version (?P<found>[\d.]+\d) does not match the version torch was compiled with (?P<built>[\d.]+\d)"),
            Sign(r"CUDAMismatchException"),
            Sign(
                r"Cuda extensions are being compiled with a version of Cuda that does not match the version used to compile Pytorch "
                r"binaries"
            ),
            Sign(r"CUDA version mismatch.{0,60}(?:nvcc|torch)", FAIR, unless=(r"Requested CUDA version", r"bitsandbytes")),
            Sign(r"raise RuntimeError\(CUDA_MISMATCH_MESSAGE", FAIR),
            ends_in("torch/utils/cpp_extension.py", "_check_cuda_version"),
            ends_in("op_builder/builder.py", "assert_no_cuda_mismatch"),
            Sign(r"FindCUDA says CUDA version is .{0,60}but the CUDA headers say"),
            Sign(r"Found two conflicting CUDA (?:installs|installations)"),
            Sign(r"Found CUDA in two conflicting locations"),
            Sign(r"is only supported on CUDA (?P<wanted>[\d.]+\d) and above", FAIR),
            Sign(r"CUDA compiler version .{0,20} does not match", FAIR),
        ),
        explains=_ECHOES,
        fixes=(
            Fix(
                "Point CUDA_HOME (and PATH) at a CUDA toolkit of the same version as torch ({built|torch.version.cuda}); install it "
                "beside the other one.",
                (
                    'python -c "import torch; print(torch.version.cuda)"',
                    "ls -d /usr/local/cuda-*",
                    "export CUDA_HOME=/usr/local/cuda-{built|12.8}",
                    "export PATH=$CUDA_HOME/bin:$PATH",
                ),
            ),
            Fix(
                "Or reinstall torch in the build that matches the toolkit ({found|nvcc --version}): cu118 for 11.8, cu121 for 12.1, "
                "cu124 for 12.4, cu126, cu128, cu130.",
                ("nvcc --version", "pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu124"),
            ),
        ),
        decide='nvcc --version; python -c "import torch; print(torch.version.cuda)"',
        examples=(
            "RuntimeError: Cuda extensions are being compiled with a version of Cuda that does not match the version used to compile Pytorch binaries.  Pytorch binaries were compiled with Cuda 11.7.",
            '  File "setup.py", line 31, in check_cuda_torch_binary_vs_bare_metal\n    raise RuntimeError(',
            "RuntimeError: FlashAttention is only supported on CUDA 11.7 and above.  Note: make sure nvcc has a supported version by running nvcc -V.",
            "Caffe2: FindCUDA says CUDA version is 11.5 (usually determined by nvcc), but the CUDA headers say the version is 12.1.",
            "RuntimeError:\nThe detected CUDA version (12.6) mismatches the version that was used to compile\nPyTorch (11.8). Please "
            "make sure to use the same CUDA versions.",
            "DeepSpeed Op Builder: Installed CUDA version 12.4 does not match the version torch was compiled with 11.8, unable to "
            "compile cuda/cpp extensions without a matching cuda version.",
        ),
        counterexamples=(
            "UserWarning: The detected CUDA version (12.4) has a minor version mismatch with the version that was used to compile "
            "PyTorch (12.1). Most likely this shouldn't be a problem.",
        ),
    ),
)
