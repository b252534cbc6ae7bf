"""The driver answers, but is in a bad state: unknown error, no fabric manager, a lost GPU, no device."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="cuda-unknown-error",
        title="CUDA initialisation fails with 'unknown error' because the driver is in a bad state",
        why="cuInit failed without a proper code (999, formerly 30). Typical reasons: nvidia_uvm became stale after suspend and resume, "
        "/dev/nvidia-uvm is missing (also in a container), or a driver update was not followed by a reboot.",
        signs=(
            Sign(r"cudaSetDevice err: 999\b"),
            Sign(r"Unable to init GPU: unknown error"),
            Sign(r"CUDA unknown error - this may be due to an incorrectly set up environment"),
            Sign(r"cuda runtime error \((?:999|30)\) ?: unknown error"),
            Sign(r"error=(?:999|30) : unknown error"),
            Sign(r"Error 999: unknown error"),
            Sign(r"Error 30: unknown error"),
            Sign(r"CUDA_ERROR_UNKNOWN"),
            Sign(r"cudaErrorUnknown", FAIR),
            Sign(r"OS call failed or operation not supported on this OS", FAIR),
            Sign(r"CUDA (?:driver )?error: unknown error", FAIR),
            Sign(r"cudaGetDeviceCount\w{0,8} failed.{0,60}unknown error", FAIR),
            Sign(r"CUDA driver initialization failed, you might not have a CUDA gpu", FAIR),
            Sign(r"CUDA initialization: CUDA driver initialization failed"),
            Sign(r"cuInit\b.{0,40}\b999\b"),
            Sign(r"cudaGetDeviceCount\b.{0,40}\b999\b"),
            Sign(r"cudaGetDeviceCount returned 30\b"),
            Sign(r"failed to initialize CUDA: (?:unknown|initialization) error"),
            Sign(r"CUDA (?:driver |runtime )?(?:failure|error):? \(?999\b"),
            Sign(r"cudaGetDeviceCount\(\).{0,200}Error 3: initialization error", FAIR),
            Sign(r"/dev/nvidia-uvm\W{1,4}No such file or directory", FAIR),
            Sign(r"Unbekannter CUDA-Fehler"),
            Sign(r"erreur CUDA inconnue"),
            Sign(r"error (?:de CUDA desconocido|desconocido de CUDA)"),
            Sign(r"CUDA ?未知错误"),
            Sign(r"未知的? ?CUDA ?错误"),
            Sign(r"Couldn.?t init CUDA: Error: (?:unknown|initialization) error", FAIR, unless=(r"\bMIG\b",)),
            Sign(r"(?:nvcuda|library|cudart) init failure: 999\b"),
        ),
        unless=(r"NVRM: Xid", r"Error 80[234]:"),
        explains=("bitsandbytes-no-cuda-lib", "cuda-no-device-error", "torch-cpu-only-build", "cuda-visible-devices-wrong"),
        fixes=(
            Fix(
                "Reload the nvidia_uvm kernel module (all CUDA programs stopped); if that does not work, reboot.",
                ("sudo rmmod nvidia_uvm", "sudo modprobe nvidia_uvm", "ls -l /dev/nvidia-uvm"),
                who="admin",
                risk="restart",
            ),
            Fix("Reboot; if the error comes back, reinstall the NVIDIA driver.", ("sudo reboot",), who="admin", risk="disruptive"),
            Fix(
                "In a container: /dev/nvidia-uvm has to exist inside it too; create it on the host with nvidia-modprobe and restart the "
                "container.",
                ("sudo nvidia-modprobe -u -c=0",),
                who="admin",
                risk="restart",
            ),
        ),
        wrong_advice="The message blames a changed CUDA_VISIBLE_DEVICES; unless the program really sets it after importing torch, that is not it.",
        decide="ls -l /dev/nvidia*; sudo dmesg | grep -i nvrm | tail",
        examples=(
            'cudaSetDevice err: 999\nlevel=DEBUG source=gpu.go:533 msg="Unable to load cudart" error="cudart init failure: 999"',
            "ggml_cuda_init: failed to initialize CUDA: unknown error",
            "cudaGetDeviceCount returned 999\n-> unknown error\nResult = FAIL",
            "ls: cannot access '/dev/nvidia-uvm': No such file or directory",
            "UserWarning: CUDA-Initialisierung: Unbekannter CUDA-Fehler - dies kann an einer falsch eingerichteten Umgebung liegen",
            "UserWarning: CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing "
            "env variable CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero. (Triggered internally at "
            "../c10/cuda/CUDAFunctions.cpp:118.)",
            "RuntimeError: cuda runtime error (999) : unknown error at /pytorch/aten/src/THC/THCGeneral.cpp:47",
            "failed call to cuInit: CUDA_ERROR_UNKNOWN: unknown error",
            "UserWarning: CUDA initialization: CUDA driver initialization failed, you might not have a CUDA gpu.",
        ),
        counterexamples=(
            "worker exited with code 999",
            "An unknown error occurred while parsing arguments of trainer",
        ),
    ),
    Cause(
        slug="fabric-manager-not-running",
        title="The GPUs of this NVSwitch machine are not initialised: the Fabric Manager does not run",
        why="On machines with NVSwitch (HGX, DGX) CUDA starts only after the NVIDIA Fabric Manager, in exactly the driver's version, has "
        "set up the NVLink fabric. nvidia-smi works without it, CUDA answers error 802, system not yet initialized.",
        signs=(
            Sign(r"Job for nvidia-fabricmanager\.service failed"),
            Sign(r"CUDA initiali[sz]ation.{0,40}\b802\b", FAIR),
            Sign(r"NVLink fabric is not (?:ready|init|yet|up)", FAIR),
            Sign(r"(?:error|runtime error)[ =(:]{1,3}802\b.{0,6}system not yet initialized"),
            Sign(r"system not yet initialized"),
            Sign(r"cudaErrorSystemNotReady"),
            Sign(r"CUDA_ERROR_SYSTEM_NOT_READY"),
            Sign(r"nvidia-fabricmanager(?:\.service)?[:\]].{0,80}(?:failed|fail to|exit)", FAIR),
            Sign(r"fabric manager .{0,100}don.t match (?:with )?(?:the )?driver version"),
            Sign(r"NV_WARN_NOTHING_TO_DO.{0,80}fabric", FAIR),
            Sign(r"Failed to start NVIDIA fabric ?manager"),
            Sign(r"NVSwitch driver failed with error"),
            Sign(r"query NVSwitch device information.{0,60}failed"),
            Sign(r"nvidia-fabricmanager(?:\.service)? (?:could not be found|not found|is not running|is not installed)", FAIR),
            Sign(r"fabric ?manager (?:service )?(?:is |was )?not (?:running|installed|started|initialized)", FAIR),
            Sign(r"nvidia-fabricmanager\.service.{0,300}Active: (?:failed|inactive)"),
            Sign(r"cuInit\b.{0,40}\b802\b"),
            Sign(r"cudaGetDeviceCount\b.{0,40}\b802\b"),
            Sign(r"\bError 802\b", FAIR, also=(r"(?:cuda|nvidia|torch)",), unless=(r"HTTP Error",)),
            Sign(r"Fabric .{0,20}State {1,40}: (?:In Progress|Not Started)", FAIR, also=(r"(?:Error|Exception|failed|failure|fatal)",)),
            Sign(r"(?:nvcuda|library|cudart) init failure: 802\b"),
        ),
        explains=(
            "bitsandbytes-no-cuda-lib",
            "cuda-no-device-error",
            "cuda-unknown-error",
            "nccl-p2p-broken",
            "cuda-unavailable-no-driver",
        ),
        fixes=(
            Fix(
                "On the host (a job or container cannot do it): install nvidia-fabricmanager in exactly the driver's version and start "
                "the service. On older systems it is part of DCGM.",
                (
                    "cat /proc/driver/nvidia/version",
                    "sudo systemctl enable --now nvidia-fabricmanager",
                    "systemctl status nvidia-fabricmanager",
                    "nvidia-smi -q | grep -i -A2 fabric",
                ),
                who="admin",
                risk="restart",
            ),
            Fix(
                "On a rented or managed machine ask the provider to start the fabric manager on the host (or fix the NVSwitch and NVLink "
                "configuration), or take another node.",
                who="vendor",
            ),
        ),
        decide="systemctl status nvidia-fabricmanager; nvidia-smi -q | grep -i -A2 fabric",
        examples=(
            "Job for nvidia-fabricmanager.service failed because the control process exited with error code.",
            "● nvidia-fabricmanager.service - NVIDIA fabric manager service\n     Active: failed (Result: exit-code)",
            "Failed to start NVIDIA fabric manager service.",
            "nv-fabricmanager: request to query NVSwitch device information from NVSwitch driver failed with error:WARNING Nothing to do [NV_WARN_NOTHING_TO_DO]",
            "cuInit(0) failed with error code 802",
            "RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() "
            "that might have already set an error? Error 802: system not yet initialized",
            "THCudaCheck FAIL file=THCGeneral.cpp line=50 error=802 : system not yet initialized",
        ),
        counterexamples=(
            "● nvidia-fabricmanager.service - NVIDIA fabric manager service\n     Active: active (running)",
            "Logging system initialized, fabric manager state: completed",
        ),
    ),
    Cause(
        slug="gpu-fell-off-bus",
        title="A GPU dropped off the PCIe bus and is lost to the driver",
        why="The driver can no longer reach the device over PCIe (Xid 79, 'GPU is lost'). Software does not do that: power, heat, risers "
        "and slots, the PSU or a defective card do. Everything that fails afterwards is only the echo.",
        signs=(
            Sign(r"GPU lost from the bus"),
            Sign(r"NV_ERR_GPU_IS_LOST"),
            Sign(r"\bGPU (?:at )?.{0,24}\bhas fallen off the bus"),
            Sign(r"fallen off the bus and is not responding"),
            Sign(r"NVRM: Xid \(PCI:(?P<pci>[\w:.]+)\): 79\b"),
            Sign(r"Xid\D{1,30}\b79\b.{0,40}fallen off"),
            Sign(r"Unable to determine the device handle for GPU ?(?P<pci>[\w:.]+)?:? ?(?:GPU is lost|Unknown Error|Not Found)"),
            Sign(r"GPU is lost\. {1,2}Reboot the system to recover this GPU"),
            Sign(r"NVMLError_GpuIsLost"),
            Sign(r"\bGPU is lost\b", FAIR),
            Sign(r"ERR!.{0,80}GPU is lost", FAIR),
            Sign(r"NVIDIA Corporation .{1,120}\(rev ff\)"),
            Sign(r"Unknown header type 7f", FAIR, also=(r"nvidia",)),
            Sign(r"Unable to determine the device handle for GPU ?\d{0,2}:? ?[\w:.]{0,20}: (?:GPU is lost|Unknown Error|Not Found)"),
            Sign(r"\bXid \(PCI:[\w:.]{4,16}\): 79\b"),
            Sign(r"\bXid 79\b"),
            Sign(r"\bXid: 79\b"),
            Sign(r"\bXid error:? 79\b"),
            Sign(r"NVML_ERROR_GPU_IS_LOST"),
            Sign(r"Unable to change power state from D3cold to D0, device inaccessible", FAIR, also=(r"nvidia",)),
            Sign(r"\bERROR_GPU_IS_LOST\b"),
        ),
        explains=(
            "cuda-no-device-error",
            "cuda-unknown-error",
            "unspecified-launch-failure",
            "xid-45-preemptive-cleanup",
            "nccl-watchdog-abort",
        ),
        refines=("gpu-lost",),
        fixes=(
            Fix(
                "Drain the node, reboot or power-cycle it, and read the Xid lines of dmesg to see which GPU it was.",
                ("sudo dmesg | grep -i xid", "nvidia-smi", "sudo reboot"),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "If it happens again, look for the hardware cause: power cables and PSU, overheating (temperature), risers and seating "
                "of the card, PCIe link errors (AER); have the card replaced if it follows the card.",
                ("nvidia-smi -q -d TEMPERATURE,POWER", "sudo dmesg | grep -i -e aer -e pcie"),
                who="vendor",
                risk="disruptive",
            ),
        ),
        decide="sudo dmesg | grep -i -e xid -e 'fallen off'",
        examples=(
            "NVRM: GPU lost from the bus [NV_ERR_GPU_IS_LOST]",
            "Unable to determine the device handle for GPU0: 0000:41:00.0: Unknown Error",
            "GPU 3 reports XID 79, draining node",
            "[51234.8] NVRM: Xid (PCI:0000:1b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
            "Unable to determine the device handle for GPU 0000:3D:00.0: GPU is lost.  Reboot the system to recover this GPU",
            "65:00.0 3D controller: NVIDIA Corporation GA100 [A100 PCIe 40GB] (rev ff) (prog-if ff)\n\t!!! Unknown header type 7f",
        ),
        counterexamples=(
            "nvmlDeviceGetCount: 79 devices polled",
            "The city bus number 79 fell behind schedule",
        ),
    ),
    Cause(
        slug="cuda-no-device-error",
        title="CUDA reports that no CUDA-capable device is detected",
        why="The driver answered, but offers no GPU to this process: none is visible (CUDA_VISIBLE_DEVICES, container, MIG), or the "
        "driver could not bring up the device.",
        signs=(
            Sign(r"no CUDA-capable device is detected", FAIR),
            Sign(r"CUDA_ERROR_NO_DEVICE", FAIR),
            Sign(r"cudaErrorNoDevice", FAIR),
            Sign(r"cuda runtime error \((?:38|100)\)", FAIR),
            Sign(r"Couldn.?t init CUDA: No CUDA devices", FAIR),
        ),
        consequence=True,
        fixes=(
            Fix(
                "See whether the driver shows a GPU at all: nvidia-smi. If it does not, fix the driver (install it, load the module, "
                "reboot).",
                ("nvidia-smi", "ls -l /dev/nvidia*"),
                who="admin",
            ),
            Fix(
                "If nvidia-smi shows GPUs, this process is not allowed to see them: check that CUDA_VISIBLE_DEVICES names existing "
                "devices (or unset it), and that the container was started with --gpus all.",
                ("echo $CUDA_VISIBLE_DEVICES", "unset CUDA_VISIBLE_DEVICES"),
            ),
        ),
        decide="nvidia-smi -L; echo $CUDA_VISIBLE_DEVICES",
        examples=("RuntimeError: CUDA error: no CUDA-capable device is detected",),
        counterexamples=("Skipping GPU tests: this runner has no device",),
    ),
    Cause(
        slug="nvidia-smi-no-devices",
        title="The driver is loaded, but it could bring up no GPU ('No devices were found')",
        why="nvidia-smi reaches the driver, and the driver has no usable device: initialising the adapter failed (power, firmware, a "
        "card that needs the open kernel module, a passthrough that is incomplete), or the device nodes may not be used.",
        signs=(
            Sign(r"RmInitAdapter: Cannot initialize"),
            Sign(r"gsp_\w{2,12}\.bin failed with error"),
            Sign(r"RmFetchGspRmImages: No firmware image found"),
            Sign(r"nvidia-smi.{0,60} No devices were found", FAIR),
            Sign(r"NVRM: GPU [\w:.]+: RmInitAdapter failed", also=(r"nvidia-smi|No devices",)),
            Sign(r"requires use of the NVIDIA open kernel modules"),
            Sign(r"No devices were found", FAIR, alone=True),
            Sign(r"is not supported by open nvidia\.ko"),
            Sign(r"not supported by the (?:NVRM: )?(?:\[[\d. ]{3,16}\] )?(?:NVRM: )?NVIDIA [\d.]{3,12} driver release"),
            Sign(r"This PCI I/O region assigned to your NVIDIA device is invalid"),
        ),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "Read why the driver refused the card: the NVRM lines of dmesg say it.",
                ("sudo dmesg | grep -i -e nvrm -e RmInitAdapter | tail -20", "lspci | grep -i nvidia"),
                who="admin",
            ),
            Fix(
                "If dmesg asks for the open kernel modules (Blackwell and newer data-centre GPUs), install the driver's -open variant "
                "and reboot.",
                ("sudo apt install nvidia-driver-580-open", "sudo reboot"),
                who="admin",
                risk="disruptive",
            ),
            Fix("Otherwise power-cycle the machine and check the card's power cables and slot.", who="admin", risk="disruptive"),
            Fix(
                "If dmesg says that the GPU is not supported by this NVIDIA driver release, install the driver branch that knows it (a newer one for a new GPU, the legacy or the proprietary one for an old GPU).",
                ("lspci -nn | grep -i nvidia",),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "If dmesg says that the PCI I/O region (BAR) is invalid, switch on 'Above 4G Decoding' in the firmware, or start the kernel with pci=realloc.",
                who="admin",
                risk="disruptive",
            ),
        ),
        examples=(
            "nvidia 0000:07:00.0: Direct firmware load for nvidia/570.124.06/gsp_ga10x.bin failed with error -2\nNVRM: RmFetchGspRmImages: No firmware image found",
            "NVRM: The NVIDIA GPU 0000:17:00.0 (PCI ID: 10de:2bb1)\nNVRM: installed in this system is not supported by the\nNVRM: NVIDIA 535.183.01 driver release.",
            "NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:",
            "[   12.2] NVRM: GPU 0000:65:00.0: RmInitAdapter failed! (0x26:0x56:1482)\n$ nvidia-smi\nNo devices were found",
        ),
        counterexamples=(
            "adb: no devices/emulators found",
            "bluetoothctl: scan finished, zero entries",
        ),
    ),
)
