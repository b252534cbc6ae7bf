"""The NVIDIA driver is missing, half installed, of two versions at once, or in a bad state."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="cuda-unavailable-no-driver",
        title="torch is a CUDA build, but no NVIDIA driver is loaded on this machine",
        why="The CUDA libraries come with torch, the driver does not: it belongs to the host. CUDA was asked for its devices and found "
        "no driver at all, so either none is installed, its kernel module is not loaded, or this container cannot see the host's.",
        signs=(
            Sign(r"Found no NVIDIA driver on your system"),
            Sign(r"Please check that you have an NVIDIA GPU and installed a driver", FAIR),
            Sign(r"in _check_driver http://www\.nvidia\.com/Downl", FAIR),
            Sign(r"CUDA_ERROR_NO_DRIVER", FAIR),
            Sign(r"(?:bash|zsh|sh): (?:\d+: |line \d+: )?nvidia-smi: (?:command )?not found", FAIR),
            Sign(r"nvidia-smi\W{1,4}(?:is|wird|n'est).{0,20}not recognized", FAIR),
            Sign(r"kernel driver does not appear to be running on this host", FAIR),
            Sign(r"No NVIDIA GPU driver (?:found|installed)", FAIR),
            Sign(r"Failed to find an NVIDIA driver", FAIR),
            Sign(r"Command 'nvidia-smi' not found, but can be installed with", FAIR),
            Sign(r"command not found: nvidia-smi", FAIR),
            ends_in("torch/cuda/__init__.py", "_lazy_init", WEAK, code=r"torch\._C\._cuda_init\("),
            Sign(
                r"CUDA available: {1,3}(?:False|No)\b",
                FAIR,
                also=(
                    r"CUDA used to build PyTorch: \d",
                    r"GPU models and configuration: (?:Could not collect|No CUDA)",
                    r"Nvidia driver version: (?:Could not collect|No CUDA)",
                ),
            ),
        ),
        unless=(r"Torch not compiled with CUDA enabled", r"installing and using ROCm"),
        refuted=("os=macos",),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "Install the NVIDIA driver on the host (not inside a container), reboot, and check that nvidia-smi lists the GPU.",
                ("sudo ubuntu-drivers install", "sudo reboot", "nvidia-smi"),
                who="admin",
                risk="disruptive",
                when="os=linux",
            ),
            Fix(
                "Install the current NVIDIA driver for this GPU on the host, reboot, and check it with nvidia-smi.",
                ("nvidia-smi",),
                who="admin",
            ),
            Fix(
                "In a container: start it with GPU access (docker run --gpus all, singularity --nv) on a host that has the driver and "
                "the NVIDIA Container Toolkit.",
                ("docker run --rm --gpus all ubuntu nvidia-smi",),
            ),
            Fix(
                "Where there is no NVIDIA GPU (laptop, login node, CPU runtime): run on the CPU, with the device chosen instead of "
                "hard-coded.",
                code='device = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
            ),
        ),
        decide="nvidia-smi",
        patch="device-available",
        examples=(
            'Traceback (most recent call last):\n  File "/home/mia/seg/train.py", line 31, in main\n    net = '
            "net.cuda()\nRuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a "
            "driver from http://www.nvidia.com/Download/index.aspx",
            "$ python -c 'import torch; print(torch.cuda.is_available())'\nFalse\n$ nvidia-smi\nbash: nvidia-smi: command not found",
        ),
        counterexamples=("Using device: cpu (no NVIDIA GPU in this laptop, that is fine)\nepoch 1 loss 0.61",),
    ),
    Cause(
        slug="nvidia-smi-cannot-communicate",
        title="The NVIDIA driver package is installed, but its kernel module is not loaded",
        why="nvidia-smi is there but the kernel side does not answer. Usually DKMS did not build the module for the running kernel "
        "(after a kernel update), Secure Boot refused the unsigned module, or nouveau holds the GPU.",
        signs=(
            Sign(r"NVIDIA-SMI has failed because it couldn.?t communicate with the NVIDIA driver"),
            Sign(r"Failed to initialize NVML: Driver Not Loaded"),
            Sign(r"NVRM: The NVIDIA probe routine was not called for"),
            Sign(r"NVML: Driver Not Loaded"),
            Sign(r"NVMLError_DriverNotLoaded"),
            Sign(
                r"modprobe: (?:ERROR|FATAL): .{0,40}could not insert .{0,3}nvidia\w*.{0,3}: (?:Required key not available|Key was "
                r"rejected)"
            ),
            Sign(r"modprobe: (?:ERROR|FATAL): .{0,40}could not insert .{0,3}nvidia"),
            Sign(r"modprobe: FATAL: Module nvidia\w* not found in directory"),
            Sign(r"Unable to load the .{0,3}nvidia(?:-drm)?\W{1,3}kernel module"),
            Sign(r"nvidia\.ko.{0,80}(?:Required key not available|Exec format error)", FAIR),
            Sign(r"kernel module nvidia.{0,40}not built for the running kernel", FAIR),
            Sign(r"NVRM: This can occur when a driver such as:? (?:\[[\d. ]+\] )?(?:NVRM: )?nouveau"),
            Sign(r"NVRM: The NVIDIA probe routine was not called for"),
        ),
        explains=("cuda-no-device-error", "cuda-unavailable-no-driver", "libcuda-missing"),
        fixes=(
            Fix(
                "Rebuild the driver's kernel module for the running kernel: install the kernel headers, let DKMS build it, load it (or "
                "reinstall the driver), then reboot.",
                (
                    "sudo apt install linux-headers-$(uname -r)",
                    "dkms status",
                    "sudo dkms autoinstall",
                    "sudo modprobe nvidia",
                    "sudo reboot",
                ),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "If modprobe says 'Required key not available' or 'Key was rejected', Secure Boot refuses the module: enrol the module's "
                "key (mokutil) or disable Secure Boot in the firmware.",
                ("mokutil --sb-state", "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der"),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "If nouveau is loaded, blacklist it and rebuild the initramfs, then reboot.",
                (
                    "lsmod | grep -e nouveau -e nvidia",
                    'echo "blacklist nouveau" | sudo tee /etc/modprobe.d/blacklist-nouveau.conf',
                    "sudo update-initramfs -u",
                    "sudo reboot",
                ),
                who="admin",
                risk="disruptive",
            ),
        ),
        decide="lsmod | grep nvidia; dkms status; sudo modprobe nvidia; sudo dmesg | grep -i -e nvrm -e nvidia | tail",
        examples=(
            "ubuntu@train-07:~$ nvidia-smi\nNVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
            "the latest NVIDIA driver is installed and running.\nubuntu@train-07:~$ uname -r\n6.8.0-51-generic",
            "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",
            "[   99.1] NVRM: The NVIDIA probe routine was not called for 1 device(s).\n[   99.1] NVRM: This can occur when a driver such as:\nNVRM: nouveau, rivafb, nvidiafb or rivatv",
        ),
        counterexamples=("nvidia-smi\nNo running processes found",),
    ),
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
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.120",
            "[91827.1] NVRM: API mismatch: the client has the version 535.183.01, but this kernel module has the version 535.161.07. "
            "NVRM: make sure that this kernel module and all NVIDIA driver components have the same version.",
        ),
        counterexamples=("WARNING: transformers version mismatch, driver library not checked",),
    ),
    Cause(
        slug="cuda-init-error-803",
        title="The libcuda that gets loaded does not match the loaded kernel driver (error 803)",
        why="libcuda.so.1 and the kernel module must be of one driver version. After a driver upgrade without reboot, or when an image "
        "brings a libcuda of its own (a compat folder on LD_LIBRARY_PATH, a stale copy), the two differ and CUDA refuses to start.",
        signs=(
            Sign(r"system has unsupported display driver ?/ ?cuda driver combination"),
            Sign(r"cudaGetDeviceCount.{0,200}Error 803\b"),
            Sign(r"cudaErrorSystemDriverMismatch"),
            Sign(r"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
        ),
        explains=("cuda-no-device-error", "torch-cpu-only-build"),
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
            Sign(r"forward compatibility was attempted on non[ -]?supported HW"),
            Sign(r"cudaGetDeviceCount.{0,200}Error 804\b"),
            Sign(r"cudaErrorCompatNotSupportedOnDevice"),
            Sign(r"CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"),
        ),
        explains=("cuda-no-device-error", "torch-cpu-only-build"),
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
            "UserWarning: CUDA initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before "
            "calling NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on non "
            "supported HW (Triggered internally at ../c10/cuda/CUDAFunctions.cpp:108.)",
        ),
        counterexamples=("forward compatibility of the checkpoint format was kept",),
    ),
)
