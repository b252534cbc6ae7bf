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
            Sign(
                r"nvidia-smi\W{1,4}(?:(?:未找到命令|找不到命令|command introuvable|commande introuvable|Befehl nicht gefunden|Kommando nicht gefunden|orden no encontrada|no se encontró la orden|comando non trovato|comando não encontrado|команда не найдена|コマンドが見つかりません|不是内部或外部命令|不是內部或外部命令)|项识别为|項識別為)",
                FAIR,
            ),
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
            Sign(r"Found no NVIDIA driver\b"),
            Sign(r"\bNo NVIDIA (?:GPU[/ ])?drivers? (?:was |were |is |are )?(?:found|detected|installed)", FAIR),
            Sign(
                r"NVIDIA (?:GPU |display )?drivers? (?:is |are |was |were )?not (?:found|installed|detected|loaded)\b",
                FAIR,
                unless=(r"INFO|(?:back to|using|use|on) (?:the )?CPU",),
            ),
            Sign(
                r"\bCUDA drivers? (?:is |are |was )?not (?:found|installed|loaded)\b",
                FAIR,
                unless=(r"INFO|(?:back to|using|use|on) (?:the )?CPU",),
            ),
            Sign(r"No such file or directory: .{0,3}nvidia-smi", FAIR),
            Sign(r"Unknown command:? .{0,3}nvidia-smi", FAIR),
            Sign(r"couldn.?t find libnvidia-ml\.so library in your system", FAIR),
            Sign(r"/proc/driver/nvidia/version\W{1,4}No such file", FAIR),
            Sign(
                r"Could not find cuda drivers on your machine",
                FAIR,
                also=(r"(?:list_physical_devices|Num GPUs Available|is_gpu_available).{0,120}(?:\[\]|0\b|False)",),
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
            "bash: nvidia-smi: commande introuvable",
            "RuntimeError: No NVIDIA driver found. Please install the driver first",
            "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display Driver is properly installed and present in your system.",
            "FileNotFoundError: [Errno 2] No such file or directory: 'nvidia-smi'",
            'Traceback (most recent call last):\n  File "/home/mia/seg/train.py", line 31, in main\n    net = '
            "net.cuda()\nRuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a "
            "driver from http://www.nvidia.com/Download/index.aspx",
            "$ python -c 'import torch; print(torch.cuda.is_available())'\nFalse\n$ nvidia-smi\nbash: nvidia-smi: command not found",
        ),
        counterexamples=(
            "I tensorflow/tsl/cuda/cudart_stub.cc:28] Could not find cuda drivers on your machine, GPU will not be used.\nepoch 1: loss 0.4",
            "Using device: cpu (no NVIDIA GPU in this laptop, that is fine)\nepoch 1 loss 0.61",
        ),
    ),
    Cause(
        slug="nvidia-smi-cannot-communicate",
        title="The NVIDIA driver package is installed, but its kernel module is not loaded",
        why="nvidia-smi is there but the kernel side does not answer. Usually DKMS did not build the module for the running kernel "
        "(after a kernel update), Secure Boot refused the unsigned module, or nouveau holds the GPU.",
        signs=(
            Sign(r"nvidia-persistenced failed to initialize", FAIR),
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
            Sign(r"couldn.?t communicate with the NVIDIA driver"),
            Sign(r"NVIDIA-SMI has failed\b", FAIR),
            Sign(r"modprobe: (?:ERROR|FATAL): Module .{0,3}nvidia[\w-]{0,20}\W{1,4}not found"),
            Sign(r"(?:Failed to find module|module not found:) .{0,3}nvidia"),
            Sign(r"could not insert module \S{0,120}nvidia\S{0,12}\.ko"),
            Sign(r"Unable to load the kernel module .{0,3}nvidia"),
            Sign(r"Loading of unsigned module is rejected", FAIR),
            Sign(r"unsigned module loading is restricted", FAIR),
            Sign(r"Bad return status for module build on kernel", FAIR, also=(r"nvidia",)),
            Sign(r"DKMS module .{0,3}nvidia\S{0,20} failed to build", FAIR),
            Sign(r"Your kernel headers for kernel \S{1,60} cannot be found", FAIR, also=(r"nvidia",)),
            Sign(r"Unable to find the kernel source tree for the currently running kernel"),
            Sign(r"Nouveau kernel driver is currently in use by your system"),
            Sign(r"is already bound to nouveau"),
            Sign(r"NVML.{0,40}\bDriver Not Loaded"),
            Sign(r"NVML_ERROR_DRIVER_NOT_LOADED"),
            Sign(r"Failed to query NVIDIA devices\. Please ensure that the NVIDIA device files", FAIR),
            Sign(r"\bnvidia\w*: (?:disagrees about version of symbol|version magic)"),
            Sign(r"\bnvidia[/,] ?[\d.]{3,12}: added\b", FAIR),
            Sign(r"Could not locate dkms\.conf file", FAIR, also=(r"nvidia",)),
        ),
        explains=("container-runtime-missing", "cuda-no-device-error", "cuda-unavailable-no-driver", "libcuda-missing"),
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
            "$ nvidia-smi\nmodprobe: FATAL: Module nvidia not found in directory /lib/modules/6.8.0-60-generic",
            "Error! Bad return status for module build on kernel: 6.8.0-60-generic (x86_64)\nConsult /var/lib/dkms/nvidia/535.183.01/build/make.log for more information.",
            "ERROR: The Nouveau kernel driver is currently in use by your system.  This driver is incompatible with the NVIDIA driver, and must be disabled before proceeding.",
            "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
            "nvidia: version magic '6.1.0-20-amd64 SMP preempt mod_unload ' should be '6.1.0-21-amd64 SMP preempt mod_unload '",
            "ubuntu@train-07:~$ nvidia-smi\nNVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
            "the latest NVIDIA driver is installed and running.\nubuntu@train-07:~$ uname -r\n6.8.0-51-generic",
            "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",
            "[   99.1] NVRM: The NVIDIA probe routine was not called for 1 device(s).\n[   99.1] NVRM: This can occur when a driver such as:\nNVRM: nouveau, rivafb, nvidiafb or rivatv",
        ),
        counterexamples=(
            "nvidia/550.90.07, 6.8.0-60-generic, x86_64: installed",
            "modprobe: FATAL: Module kvm_amd not found in directory /lib/modules/6.8.0-60-generic",
            "nvidia-smi\nNo running processes found",
        ),
    ),
)
