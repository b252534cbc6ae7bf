"""Macs, AMD GPUs and WSL: what is particular to setting torch up there."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="macos-arch-mismatch",
        title="x86_64 and arm64 binaries are mixed on this Mac",
        why="The Python that runs is for {need|one architecture}, and the package's library for {have|the other}. That happens when an "
        "Intel Python (Rosetta, an old conda or Homebrew) and packages for Apple silicon, or the reverse, are in one environment.",
        signs=(
            Sign(r"incompatible architecture \(have '?(?P<have>\w+?)'?, need '?(?P<need>\w+?)'?\)"),
            Sign(r"incompatible architecture"),
            Sign(r"mach-o, but wrong architecture"),
            Sign(r"building for macOS-(?P<need>\w+) but attempting to link with file built for macOS-(?P<have>\w+)"),
            Sign(r"found architecture '(?P<have>\w+)', required architecture '(?P<need>\w+)'"),
            Sign(r"wrong architecture.{0,60}(?:x86_64|arm64)", FAIR),
            Sign(r"macosx_\d+_\d+_arm64\.whl is not a supported wheel on this platform"),
        ),
        refines=("pip-wheel-wrong-platform",),
        explains=("torch-install-broken",),
        fixes=(
            Fix(
                "Install a native arm64 Python (Apple silicon), recreate the venv or conda environment with it, and reinstall torch in it.",
                (
                    'python -c "import platform; print(platform.machine())"',
                    "rm -rf .venv",
                    "/opt/homebrew/bin/python3 -m venv .venv",
                    ".venv/bin/pip install torch torchvision",
                ),
            ),
            Fix("Or use one architecture throughout: x86_64 has wheels only up to torch 2.2.", ('pip install "torch==2.2.2" "numpy<2"',)),
        ),
        decide='python -c "import platform; print(platform.machine())"; file $(which python)',
        examples=(
            "ImportError: dlopen(/Users/lu/p/.venv/lib/python3.9/site-packages/torch/_C.cpython-39-darwin.so, 0x0002): tried: "
            "'/Users/lu/p/torch/_C.so' (mach-o file, but is an incompatible architecture (have 'arm64', need 'x86_64'))",
        ),
        counterexamples=("platform.machine() -> arm64",),
    ),
    Cause(
        slug="macos-library-not-loaded",
        title="A dynamic library that torch was linked with is not on this Mac",
        why="The package was built against {library|a library} of Homebrew or conda, which is not installed in that place here.",
        signs=(
            Sign(
                r"Library not loaded: .{0,3}(?P<library>[\w/@.+-]{0,160}(?:libomp|libc\+\+(?:\.1)?|libopenblas|libjpeg\S{0,4}|"
                r"libpng\S{0,4}|libsndfile)\.?\w*\.?dylib)"
            ),
        ),
        explains=("torch-install-broken",),
        fixes=(
            Fix("Install the library (libomp with Homebrew).", ("brew install libomp",)),
            Fix(
                "Or reinstall torch from PyPI in a clean environment, whose wheel brings its own libraries.",
                ("pip uninstall -y torch", "pip install --no-cache-dir torch"),
            ),
        ),
        examples=(
            "ImportError: dlopen(/opt/v/lib/python3.11/site-packages/torch/_C.so, 0x0002): Library not loaded: "
            "'/opt/homebrew/opt/libomp/lib/libomp.dylib'",
        ),
        counterexamples=("libomp.dylib loaded",),
    ),
    Cause(
        slug="mps-macos-too-old",
        title="The MPS backend is built in, but this macOS is too old for it",
        why="torch's MPS backend needs macOS 12.3 or newer, newer torch releases macOS 13 or 14, and some operations still newer ones. "
        "On an older system torch.backends.mps.is_built() is true and is_available() false.",
        signs=(
            Sign(r"The MPS backend is supported on MacOS \d+(?:\.\d+)?\+"),
            Sign(r"MPS backend is supported on MacOS"),
            Sign(r"MPS not available because the current MacOS version is not \d+"),
            Sign(r"only (?:natively )?supported (?:on|starting from|from) macOS (?P<wanted>\d+(?:\.\d+)?)", FAIR, also=(r"\bMPS\b",)),
            Sign(r"MPS: .{0,120}supported (?:natively )?starting from macOS (?P<wanted>\d+(?:\.\d+)?)"),
            Sign(r"(?:MPS|mps).{0,80}(?:requires|needs|supported (?:on|in|starting)) macOS (?P<wanted>\d\d(?:\.\d)?)", FAIR),
        ),
        fixes=(
            Fix("Upgrade (update) macOS to 14 or newer.", ("sw_vers",), who="user", risk="restart"),
            Fix(
                "Or install an older torch that still supports this macOS (2.4 on macOS 12.3 to 12.7).",
                ('pip install "torch==2.4.1" "torchvision==0.19.1"',),
            ),
            Fix("Or run on the CPU.", code='device = torch.device("cpu")'),
        ),
        decide="sw_vers; python -c 'import torch; print(torch.backends.mps.is_built(), torch.backends.mps.is_available())'",
        examples=("RuntimeError: The MPS backend is supported on MacOS 14.0+. Current OS version can be queried using `sw_vers`",),
        counterexamples=("MPS backend available, macOS 15.1",),
    ),
    Cause(
        slug="rocm-arch-not-in-build",
        title="This torch build has no kernels for the AMD GPU",
        why="ROCm builds contain code for a list of gfx targets, and most consumer and integrated GPUs are not in it. The first kernel "
        "is then an invalid device function.",
        signs=(
            Sign(r"HIP error: invalid device function"),
            Sign(r"hipErrorInvalidDeviceFunction"),
            Sign(r"hipErrorNoBinaryForGpu"),
            Sign(r"Unable to find code object for all current devices"),
            Sign(r"HIP error: no kernel image is available"),
            Sign(
                r"(?:rocBLAS|rocblaslt) (?:error|warning): Cannot read .{0,200}TensileLibrary\S{0,60}(?: for GPU arch ?: "
                r"?(?P<gfx>gfx\w+))?"
            ),
            Sign(r"TensileLibrary\S{0,40}\.dat.{0,80}No such file", FAIR),
            Sign(r"hipErrorSharedObjectInitFailed", FAIR),
            Sign(r"in hip::(?:FatBinaryInfo|StatCO)::\w+", FAIR),
        ),
        explains=("rocm-memory-access-fault", "native-segfault"),
        fixes=(
            Fix(
                "Set HSA_OVERRIDE_GFX_VERSION to a supported close relative of the GPU: 10.3.0 for gfx103x (RX 6000), 11.0.0 for gfx110x "
                "(RX 7000), 9.0.0 for gfx90c.",
                ("rocminfo | grep gfx", "export HSA_OVERRIDE_GFX_VERSION=10.3.0"),
            ),
            Fix(
                "Or install (or build with PYTORCH_ROCM_ARCH) a torch for a ROCm release that has this gfx target; ROCm 5.2 builds still "
                "have some older ones.",
                (
                    'python -c "import torch; print(torch.version.hip, torch.cuda.get_arch_list())"',
                    "pip install torch --index-url https://download.pytorch.org/whl/rocm6.3",
                ),
            ),
        ),
        decide='rocminfo | grep gfx; python -c "import torch; print(torch.cuda.get_arch_list())"',
        examples=(
            "RuntimeError: HIP error: invalid device function\nHIP kernel errors might be asynchronously reported at some other API call",
        ),
        counterexamples=("rocminfo: Name: gfx1100",),
    ),
    Cause(
        slug="rocm-no-gpu-access",
        title="ROCm sees no GPU: no access to /dev/kfd, or the driver is not loaded",
        why="torch with ROCm talks to the GPU through /dev/kfd and /dev/dri. The user is not in the render and video groups, the "
        "container was not given the devices, or the amdgpu driver is not loaded.",
        signs=(
            Sign(r"No HIP GPUs are available"),
            Sign(r"Unable to open /dev/kfd"),
            Sign(r"HSA_STATUS_ERROR_OUT_OF_RESOURCES", FAIR),
            Sign(r"ROCk module is NOT loaded"),
            Sign(r"is not (?:a )?member of .{0,10}(?:render|video).{0,3} group", FAIR),
            Sign(r"hipErrorNoDevice", FAIR),
            Sign(r"Unexpected error from hipGetDeviceCount"),
            Sign(r"no ROCm-capable device is detected"),
            Sign(r"Failed to get user name to check for video group membership", FAIR),
        ),
        explains=("cuda-no-device-error", "rocm-arch-not-in-build", "invalid-device-ordinal"),
        fixes=(
            Fix(
                "Add the user to the render and video groups and log in again.",
                ("sudo usermod -aG render,video $USER", "rocminfo | head"),
                who="admin",
                risk="restart",
            ),
            Fix(
                "In a container pass the devices.",
                ("docker run --device=/dev/kfd --device=/dev/dri --group-add video --group-add render rocm/pytorch",),
            ),
            Fix(
                "Check that the amdgpu driver is loaded and rocminfo lists the GPU; unset HIP_VISIBLE_DEVICES.",
                ("lsmod | grep amdgpu", "unset HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES"),
            ),
        ),
        decide="ls -l /dev/kfd /dev/dri; rocminfo | head -20; groups",
        examples=("RuntimeError: No HIP GPUs are available",),
        counterexamples=("HIP GPUs available: 2",),
    ),
    Cause(
        slug="wsl-libcuda",
        title="WSL2: libcuda is missing or the wrong one, or a Linux driver was installed inside WSL",
        why="In WSL2 the driver is the Windows one; Windows puts its stub libcuda into /usr/lib/wsl/lib. A Linux driver or its libraries "
        "from apt shadow it, or that folder is not on the library path (its files are copies, not links, so ldconfig lists no "
        "libcuda.so).",
        signs=(
            Sign(r"libcuda\.so\.1 .{0,20}=> (?:/usr)?/lib/wsl/lib/libcuda\.so\.1"),
            Sign(r"/usr/lib/wsl/lib/libcuda\.so\.1 is not a symbolic link", FAIR),
            Sign(
                r"(?:/usr)?/lib/wsl/lib",
                FAIR,
                also=(r"(?:libcuda\.so.{0,60}(?:cannot|not found)|cannot find -lcuda|No CUDA|Found no NVIDIA driver|stub library)",),
            ),
            Sign(
                r"microsoft-standard-WSL2",
                FAIR,
                also=(
                    r"(?:libcuda\.so.{0,60}(?:cannot|not found)|Found no NVIDIA driver|couldn.t communicate with the NVIDIA driver|no "
                    r"CUDA-capable device|Driver Not Loaded|cuda unknown error|CUDA Version: ERR!)",
                ),
            ),
            Sign(
                r"\bWSL2\b",
                FAIR,
                also=(
                    r"(?:libcuda\.so.{0,60}(?:cannot|not found)|Found no NVIDIA driver|couldn.t communicate with the NVIDIA driver|no "
                    r"CUDA-capable device|Driver Not Loaded|cuda unknown error|CUDA Version: ERR!)",
                ),
            ),
            Sign(r"couldn.t communicate with the NVIDIA driver", also=(r"@DESKTOP\b",)),
            Sign(r"couldn.t communicate with the NVIDIA driver", also=(r"(?:\bWSL\b|/mnt/c/)",)),
            Sign(r"GPU access blocked by the operating system"),
            Sign(r"Found no NVIDIA driver on your system", test=lambda groups, situation: bool(situation.wsl)),
            Sign(r"nvidia-container-cli: initialization error: WSL environment detected but no adapters were found"),
            Sign(r"libdxcore\.so.{0,60}(?:cannot open|not found|fail)", FAIR),
        ),
        refines=(
            "nvidia-smi-cannot-communicate",
            "libcuda-missing",
            "triton-libcuda-not-found",
            "cuda-unavailable-no-driver",
            "container-runtime-missing",
        ),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "Use only the Windows NVIDIA driver: purge the Linux driver packages inside WSL, then restart WSL; nvidia-smi of WSL is "
                "/usr/lib/wsl/lib/nvidia-smi.",
                (
                    "sudo apt-get purge 'nvidia-driver-*' 'libnvidia-*' nvidia-cuda-toolkit",
                    "sudo apt-get autoremove",
                    "/usr/lib/wsl/lib/nvidia-smi",
                    "wsl --shutdown",
                ),
            ),
            Fix(
                "Put /usr/lib/wsl/lib on LD_LIBRARY_PATH, and make libcuda.so a symlink there if a program wants that name (then "
                "ldconfig).",
                ("export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH", "ls -la /usr/lib/wsl/lib/libcuda*", "sudo ldconfig"),
            ),
            Fix("Update WSL and the Windows driver.", ("wsl --update",), risk="restart"),
        ),
        decide="ls -la /usr/lib/wsl/lib; ldconfig -p | grep libcuda; dpkg -l | grep nvidia",
        examples=(
            "uname -r: 5.15.153.1-microsoft-standard-WSL2\n$ nvidia-smi\nNVIDIA-SMI has failed because it couldn't communicate with the "
            "NVIDIA driver.",
            "$ ldconfig -p | grep libcuda\n\tlibcuda.so.1 (libc6,x86-64) => /usr/lib/wsl/lib/libcuda.so.1",
        ),
        counterexamples=("WSL2, nvidia-smi works, training on RTX 4070",),
    ),
    Cause(
        slug="cuda-named-symbol-not-found",
        title="CUDA initialisation fails with 'named symbol not found' (error 500): driver and WSL or container parts do not fit",
        why="Some Windows drivers (from 555 on) need a newer NVIDIA Container Toolkit or Docker Desktop in WSL2: the older ones do not "
        "map all of the driver's libraries, and cuInit misses a symbol.",
        signs=(
            Sign(r"Error 500: named symbol not found"),
            Sign(r"CUDA_ERROR_NOT_FOUND: named symbol not found"),
            Sign(r"CUDA error: named symbol not found", FAIR),
        ),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "Upgrade Docker Desktop (or nvidia-container-toolkit to 1.16 or newer) and WSL, then restart.",
                ("wsl --update", "sudo apt-get install --only-upgrade nvidia-container-toolkit"),
                risk="restart",
            ),
            Fix("Or install another Windows driver version.", who="admin", risk="restart"),
        ),
        examples=("Unexpected error from cudaGetDeviceCount(). Error 500: named symbol not found",),
        counterexamples=("linker: symbol named foo found",),
    ),
)
