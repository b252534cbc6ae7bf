"""The halves of the NVIDIA driver, or the libcuda that gets loaded, are of different versions."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="nvml-driver-library-mismatch",
        title="The NVIDIA user-space library was upgraded while the old kernel module is still loaded",
        why="The driver has two halves, a kernel module and user-space libraries, which must be of one version. An upgrade (often "
        "automatic) replaced the files on disk, but the module in memory is still the old one until it is reloaded.",
        signs=(
            Sign(r"Failed to initialize NVML: Driver/library version mismatch"),
            Sign(r"Driver/library version mismatch"),
            Sign(r"NVMLError_LibRmVersionMismatch"),
            Sign(
                r"NVRM: API mismatch: the client has the version (?P<client>[\d.]+\d), but this kernel module has the version "
                r"(?P<module>[\d.]+\d)"
            ),
            Sign(r"API mismatch: (?:the )?(?:client|NVIDIA kernel module) (?:has )?(?:the )?version", FAIR),
            Sign(r"nvml error: driver/library version mismatch"),
            Sign(r"NVML_ERROR_LIB_RM_VERSION_MISMATCH"),
            Sign(r"LibRmVersionMismatch"),
            Sign(r"NVML/RM version mismatch"),
            Sign(r"kernel version [\d.]{3,14} does not match DSO version"),
            Sign(r"this NVIDIA driver component has version", FAIR),
        ),
        explains=("cuda-no-device-error", "cuda-init-error-803", "container-runtime-missing", "cuda-unavailable-no-driver"),
        fixes=(
            Fix(
                "Reboot, so that the kernel module and the library have the same version again.",
                ("sudo reboot",),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "Without a reboot: stop everything that uses the GPU, unload the old nvidia kernel modules and reload the new ones.",
                (
                    "sudo lsof /dev/nvidia*",
                    "sudo systemctl stop nvidia-persistenced",
                    "sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia",
                    "sudo modprobe nvidia",
                    "nvidia-smi",
                ),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "To keep it from happening again, hold the driver packages back from unattended upgrades.",
                ("apt list --installed | grep nvidia-driver", "cat /proc/driver/nvidia/version"),
                who="admin",
            ),
        ),
        decide="cat /proc/driver/nvidia/version; dpkg -l | grep -i nvidia",
        examples=(
            "E tensorflow/stream_executor/cuda/cuda_diagnostics.cc:320] kernel version 525.60.13 does not match DSO version 525.85.12 -- cannot find working devices in this configuration",
            "RM has detected an NVML/RM version mismatch.",
            "nvmlInit_v2 returned NVML_ERROR_LIB_RM_VERSION_MISMATCH",
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.120",
            "[91827.1] NVRM: API mismatch: the client has the version 535.183.01, but this kernel module has the version 535.161.07. "
            "NVRM: make sure that this kernel module and all NVIDIA driver components have the same version.",
        ),
        counterexamples=(
            "kernel reported version is: 525.85.12, DSO version is: 525.85.12",
            "WARNING: transformers version mismatch, driver library not checked",
        ),
    ),
    Cause(
        slug="cuda-init-error-803",
        title="The libcuda that gets loaded does not match the loaded kernel driver (error 803)",
        why="libcuda.so.1 and the kernel module must be of one driver version. After a driver upgrade without reboot, or when an image "
        "brings a libcuda of its own (a compat folder on LD_LIBRARY_PATH, a stale copy), the two differ and CUDA refuses to start.",
        signs=(
            Sign(r"system has unsupported display driver"),
            Sign(r"system has unsupported display driver ?/ ?cuda driver combination"),
            Sign(r"cudaGetDeviceCount.{0,200}Error 803\b"),
            Sign(r"cudaErrorSystemDriverMismatch"),
            Sign(r"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
            Sign(r"cuInit\b.{0,40}\b803\b"),
            Sign(r"cudaGetDeviceCount\b.{0,40}\b803\b"),
            Sign(r"cudaSetDevice\b.{0,40}\b803\b"),
            Sign(r"CUDA (?:runtime |driver )?(?:error|failure):? \(?803\b"),
            Sign(r"(?<!HTTP )\bError 803\b", FAIR, also=(r"(?:cuda|nvidia|torch)",), unless=(r"HTTP Error",)),
            Sign(r"(?:nvcuda|library|cudart) init failure: 803\b"),
        ),
        explains=("bitsandbytes-no-cuda-lib", "cuda-no-device-error", "torch-cpu-only-build"),
        fixes=(
            Fix(
                "After a driver upgrade: reboot, so that kernel module and libcuda match; if it stays, reinstall the driver cleanly.",
                ("cat /proc/driver/nvidia/version", "nvidia-smi", "sudo reboot"),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "In a container or on a cluster: remove the foreign libcuda, that is take the cuda compat folder out of LD_LIBRARY_PATH "
                "and of /etc/ld.so.conf.d (or use an image without cuda-compat), so that the host driver's libcuda.so.1 is the only one.",
                ("ldconfig -p | grep libcuda.so", "echo $LD_LIBRARY_PATH", "ls /usr/local/cuda/compat"),
            ),
            Fix("Or upgrade the host's driver to the version that the image's libcuda was made for.", who="admin", risk="disruptive"),
        ),
        decide="cat /proc/driver/nvidia/version; ldconfig -p | grep libcuda.so",
        examples=(
            "cuInit(0) failed with error code 803",
            "CUDA failure 803: ; GPU=0 ; hostname=box",
            "RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() "
            "that might have already set an error? Error 803: system has unsupported display driver / cuda driver combination",
        ),
        counterexamples=("HTTP Error 803 while fetching the page",),
    ),
    Cause(
        slug="cuda-init-error-804",
        title="A forward-compatibility libcuda is loaded on a GPU or driver that does not support it (error 804)",
        why="The cuda-compat package brings a newer libcuda meant for data-centre GPUs with an older driver. Here it is found before the "
        "driver's own libcuda, on a GPU (GeForce, for example) or driver branch for which forward compatibility is not allowed.",
        signs=(
            Sign(r"forward compatibility was attempted"),
            Sign(r"forward compatibility was attempted on non[ -]?supported HW"),
            Sign(r"cudaGetDeviceCount.{0,200}Error 804\b"),
            Sign(r"cudaErrorCompatNotSupportedOnDevice"),
            Sign(r"CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"),
            Sign(r"cuInit\b.{0,40}\b804\b"),
            Sign(r"cudaGetDeviceCount\b.{0,40}\b804\b"),
            Sign(r"cudaSetDevice\b.{0,40}\b804\b"),
            Sign(r"CUDA (?:runtime |driver )?(?:error|failure):? \(?804\b"),
            Sign(r"(?<!HTTP )\bError 804\b", FAIR, also=(r"(?:cuda|nvidia|torch)",), unless=(r"HTTP Error",)),
            Sign(r"(?:nvcuda|library|cudart) init failure: 804\b"),
        ),
        explains=("bitsandbytes-no-cuda-lib", "cuda-no-device-error", "torch-cpu-only-build"),
        fixes=(
            Fix(
                "Take the compat libcuda out of the way: remove /usr/local/cuda/compat from LD_LIBRARY_PATH or uninstall the cuda-compat "
                "package, so that the driver's own libcuda.so.1 is loaded.",
                ("ldconfig -p | grep libcuda.so", "echo $LD_LIBRARY_PATH", "sudo apt remove 'cuda-compat-*'"),
            ),
            Fix(
                "Or upgrade the host's NVIDIA driver so that it supports the image's CUDA without the compat library; after an upgrade "
                "reboot.",
                ("nvidia-smi",),
                who="admin",
                risk="disruptive",
            ),
            Fix("Or use a container image (or torch wheel) for an older CUDA that the present driver supports.", ()),
        ),
        decide="ldconfig -p | grep libcuda.so; nvidia-smi",
        examples=(
            "cuInit failed: (804) forward compatibility was attempted on",
            "cuInit(0) failed with error code 804",
            "CUDA failure 804: ; GPU=0 ; hostname=box",
            "UserWarning: CUDA initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before "
            "calling NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on non "
            "supported HW (Triggered internally at ../c10/cuda/CUDAFunctions.cpp:108.)",
        ),
        counterexamples=("forward compatibility of the checkpoint format was kept",),
    ),
)
