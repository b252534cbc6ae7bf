"""Macs, AMD GPUs and WSL: what is particular to setting torch up there."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="rocm-arch-not-in-build",
        title="This torch build has no kernels for the AMD GPU",
        why="ROCm builds contain code for a list of gfx targets, and most consumer and integrated GPUs are not in it. The first kernel "
        "is then an invalid device function.",
        signs=(
            Sign(r"HSA_STATUS_ERROR_INVALID_ISA"),
            Sign(r"HIP error: shared object initialization failed"),
            Sign(r"Illegal seek for GPU arch ?: ?(?P<gfx>gfx\w+)"),
            Sign(r"List of available TensileLibrary Files"),
            Sign(r"amdgpu is not supported\b.{0,60}(?P<gfx>gfx\w+)", FAIR),
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
            Sign(r"rocBLAS error: Could not load"),
            Sign(r"rocBLAS warning: No paths matched", FAIR),
            Sign(r"hip_(?:code_object|fatbin)\.cpp", FAIR),
            Sign(r"hipErrorInvalidKernelFile", FAIR),
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
            "HSA_STATUS_ERROR_INVALID_ISA: The instruction set architecture is invalid. code: 0x100f",
            "RuntimeError: HIP error: shared object initialization failed",
            "Illegal seek for GPU arch : gfx1032\nfree(): invalid pointer",
            'level=WARN source=amd_linux.go:378 msg="amdgpu is not supported" gpu=0 gpu_type=gfx1010 library=/opt/rocm/lib supported_types="[gfx1030 gfx1100]"\nError: the model fell back to the CPU',
            "RuntimeError: HIP error: invalid device function\nHIP kernel errors might be asynchronously reported at some other API call",
            "rocBLAS error: Could not load /opt/v/lib/python3.12/site-packages/torch/lib/rocblas/library/TensileLibrary_lazy_gfx1103.dat",
        ),
        counterexamples=("rocminfo: Name: gfx1100",),
    ),
    Cause(
        slug="rocm-no-gpu-access",
        title="ROCm sees no GPU: no access to /dev/kfd, or the driver is not loaded",
        why="torch with ROCm talks to the GPU through /dev/kfd and /dev/dri. The user is not in the render and video groups, the "
        "container was not given the devices, or the amdgpu driver is not loaded.",
        signs=(
            Sign(r"rsmi_init\(\)? ?failed"),
            Sign(r"AMDSMI_STATUS_(?:DRIVER_NOT_LOADED|NO_DRV|INIT_ERROR)"),
            Sign(r"/dev/kfd.{0,40}No such file"),
            Sign(r"not in (?:the )?.{0,3}(?:render|video).{0,3} group", FAIR),
            Sign(r"no compatible amdgpu devices detected", FAIR),
            Sign(r"kfd kfd: .{0,40}not supported in kfd", FAIR),
            Sign(r"is member of nogroup group", FAIR),
            Sign(r"No HIP GPUs are available"),
            Sign(r"Unable to open /dev/kfd"),
            Sign(r"HSA_STATUS_ERROR_OUT_OF_RESOURCES", FAIR),
            Sign(r"ROCk module is NOT loaded"),
            Sign(r"is not (?:a )?member of .{0,10}(?:render|video).{0,3} group", FAIR),
            Sign(r"hipErrorNoDevice", FAIR),
            Sign(r"Unexpected error from hipGetDeviceCount"),
            Sign(r"no ROCm-capable device is detected"),
            Sign(r"Failed to get user name to check for video group membership", FAIR),
            Sign(r"custom device .{0,3}/dev/kfd.{0,3}: no such file"),
            Sign(r"amdgpu not found in modules"),
            Sign(r"HSA Error: Incompatible kernel and userspace"),
            Sign(r"hsa api call failure at:", FAIR),
            Sign(r"/dev/kfd.{0,40}Permission denied"),
            Sign(r"\btorch\W{1,14}\d+\.\d+\.\d+\+rocm[\d.]+", FAIR, also=(r"is_available\(\)\)?\W{0,10}False",)),
            Sign(r"No AMD GPUs? (?:found|detected|specified)", FAIR),
            Sign(r"Could not initialize Tensile host: No devices found"),
            Sign(r"amdgpu devices detected but permission problems"),
            Sign(r"kfd driver not loaded"),
            Sign(r"No ROC[mM] devices (?:were )?found"),
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
        examples=(
            "rsmi_init() failed",
            "AMDSMI_STATUS_DRIVER_NOT_LOADED - Driver not loaded",
            "ls: cannot access '/dev/kfd': No such file or directory",
            "[    4.1] kfd kfd: amdgpu: PITCAIRN  not supported in kfd",
            "RuntimeError: No HIP GPUs are available",
            'docker: Error response from daemon: error gathering device information while adding custom device "/dev/kfd": no such file or directory.',
            "ERROR:root:Driver not initialized (amdgpu not found in modules)",
            "HSA Error: Incompatible kernel and userspace, AMD Radeon RX 6600 disabled. Upgrade amdgpu.",
            "rocBLAS error: Could not initialize Tensile host: No devices found",
            'level=ERROR msg="amdgpu devices detected but permission problems block access"',
        ),
        counterexamples=("HIP GPUs available: 2",),
    ),
    Cause(
        slug="wsl-libcuda",
        title="WSL2: libcuda is missing or the wrong one, or a Linux driver was installed inside WSL",
        why="In WSL2 the driver is the Windows one; Windows puts its stub libcuda into /usr/lib/wsl/lib. A Linux driver or its libraries "
        "from apt shadow it, or that folder is not on the library path (its files are copies, not links, so ldconfig lists no "
        "libcuda.so).",
        signs=(
            Sign(r"libcuda\.so.{0,60}(?:cannot open|not found)", also=(r"(?:\bWSL|/mnt/c/|@DESKTOP-\w)",)),
            Sign(r"CUDA Version: {1,9}ERR!", also=(r"(?:\bWSL|microsoft-standard|/mnt/c/|/lib/wsl/)",)),
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
            Sign(r"CUDA driver is a stub library", also=(r"(?:\bWSL|/mnt/c/|/usr/lib/wsl)",)),
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
            "ana@DESKTOP-AB12:/mnt/c/work$ python t.py\nImportError: libcuda.so.1: cannot open shared object file: No such file or directory",
            "WSL version: 2.2.4\n| NVIDIA-SMI 550.76                 Driver Version: 551.86       CUDA Version: ERR!     |",
            "uname -r: 5.15.153.1-microsoft-standard-WSL2\n$ nvidia-smi\nNVIDIA-SMI has failed because it couldn't communicate with the "
            "NVIDIA driver.",
            "$ ldconfig -p | grep libcuda\n\tlibcuda.so.1 (libc6,x86-64) => /usr/lib/wsl/lib/libcuda.so.1",
            "5.15.167.4-microsoft-standard-WSL2\nRuntimeError: Unexpected error from cudaGetDeviceCount(). Error 34: CUDA driver is a stub library",
        ),
        counterexamples=("WSL2, nvidia-smi works, training on RTX 4070",),
    ),
    Cause(
        slug="cuda-named-symbol-not-found",
        title="CUDA initialisation fails with 'named symbol not found' (error 500): driver and WSL or container parts do not fit",
        why="Some Windows drivers (from 555 on) need a newer NVIDIA Container Toolkit or Docker Desktop in WSL2: the older ones do not "
        "map all of the driver's libraries, and cuInit misses a symbol.",
        signs=(
            Sign(r"cuda driver library .{0,20}init\w* (?:failure|err\w*): ?500\b"),
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
        examples=(
            "cuda driver library init failure: 500",
            "Unexpected error from cudaGetDeviceCount(). Error 500: named symbol not found",
        ),
        counterexamples=("linker: symbol named foo found",),
    ),
)
