"""A GPU that no context can be created on: busy, exclusive, MPS or MIG."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign

_SHOW_MODE = "nvidia-smi --query-gpu=index,compute_mode,memory.used --format=csv"

BUSY = Cause(
    slug="devices-busy",
    title="No CUDA context can be created on the visible GPUs",
    why="CUDA sees the devices but none accepts a context: the GPU is in exclusive-process mode with a process on it, in prohibited "
    "mode, in a bad "
    "state after a crash, or (in a virtual machine) without a vGPU licence.",
    signs=(
        Sign(r"(?:failure|error).{0,60}'(?:all )?CUDA-capable", FAIR),
        Sign(r"\bCUDA-capable device\(s\)", FAIR),
        Sign(r"CUDA devices? (?:are |is )?(?:busy or unavailable|unavailable or busy)", FAIR),
        Sign(r"all CUDA-capable devices are busy or unavailable"),
        Sign(r"CUDA-capable device\(s\) is/are busy or unavailable"),
        Sign(r"cudaErrorDevicesUnavailable"),
        Sign(r"CUDA_ERROR_DEVICE_UNAVAILABLE"),
        Sign(r"cuda runtime error \(46\)"),
        Sign(r"error=46 : "),
        Sign(r"CUDA (?:runtime |driver )?(?:error|failure):? \(?46\b"),
    ),
    fixes=(
        Fix(
            do="Look at nvidia-smi: if Compute M. says E. Process (exclusive), set it to default or use a free GPU through "
            "CUDA_VISIBLE_DEVICES.",
            commands=(_SHOW_MODE, "sudo nvidia-smi -c 0"),
            who="admin",
        ),
        Fix(do="Stop leftover processes that still hold the card.", commands=("sudo fuser -v /dev/nvidia*",), when="os!=windows"),
        Fix(
            do="If the card is free and in default mode, its state is bad: reset it or reboot; in a virtual machine check the vGPU "
            "licence and profile.",
            commands=("sudo nvidia-smi --gpu-reset -i 0",),
            who="admin",
            risk="disruptive",
        ),
    ),
    decide=_SHOW_MODE,
    examples=(
        "Test CUDA failure common.cu:940 'CUDA-capable",
        "CUDA failure 46: all CUDA-capable devices are busy or unavailable ; GPU=0",
        "RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable",
        "RuntimeError: cuda runtime error (46) : all CUDA-capable devices are busy or unavailable at "
        "/pytorch/aten/src/THC/THCGeneral.cpp:51",
        "RuntimeError: CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel errors might be asynchronously reported",
    ),
    counterexamples=(
        "Test CUDA failure common.cu:940 'no CUDA-capable device is detected'",
        "port busy or unavailable",
    ),
)

EXCLUSIVE = Cause(
    slug="exclusive-compute-mode",
    title="The GPU is in exclusive-process compute mode and already has a process",
    why="In exclusive mode one process at a time may use the GPU. The second one, or a forked worker that touches CUDA, finds all "
    "devices busy.",
    signs=(
        Sign(r"E\. ?Process", FAIR, also=(r"(?:unavailable or busy|devices? (?:are |is )?(?:busy|unavailable)|'CUDA-capable)",)),
        Sign(r"busy or unavailable", FAIR, also=(r"E\. ?Process",)),
        Sign(r"busy or unavailable", FAIR, also=(r"E\. Thread",)),
        Sign(r"busy or unavailable", FAIR, also=(r"Exclusive_Process",)),
        Sign(r"busy or unavailable", FAIR, also=(r"EXCLUSIVE_PROCESS",)),
        Sign(r"exclusive[- ](?:process )?(?:compute )?mode.{0,80}busy", FAIR),
        Sign(r"cudaErrorDeviceAlreadyInUse", STRONG),
        Sign(r"exclusive-thread device already in use", STRONG),
        Sign(r"compute mode is (?:set to )?(?:exclusive|prohibited)", FAIR),
        Sign(
            r"exclusive[-_ ]process",
            FAIR,
            also=(
                r"(?:busy or unavailable|unavailable or busy|'CUDA-capable|DEVICE_?S?_?UNAVAILABLE|CUDA_ERROR_INVALID_DEVICE|DeviceAlreadyInUse)",
            ),
        ),
        Sign(
            r"exclusive (?:compute )?mode",
            FAIR,
            also=(
                r"(?:busy or unavailable|unavailable or busy|'CUDA-capable|DEVICE_?S?_?UNAVAILABLE|CUDA_ERROR_INVALID_DEVICE|DeviceAlreadyInUse)",
            ),
        ),
        Sign(r"Compute Mode.{0,40}Prohibited", FAIR, also=(r"(?:busy or unavailable|UNAVAILABLE|CUDA_ERROR|CUDA error|invalid device)",)),
    ),
    fixes=(
        Fix(
            do="Set the compute mode back to default, so that several processes may share the GPU.",
            commands=("sudo nvidia-smi -c 0",),
            who="admin",
        ),
        Fix(
            do="Or use another, free GPU (CUDA_VISIBLE_DEVICES), or end the process that nvidia-smi shows on this one.",
            commands=(_SHOW_MODE, "CUDA_VISIBLE_DEVICES=1 python your_script.py"),
        ),
        Fix(
            do="To share the card in exclusive mode on purpose, run all processes under the CUDA MPS daemon.",
            commands=("nvidia-cuda-mps-control -d",),
        ),
    ),
    refines=(
        "invalid-device-ordinal",
        "devices-busy",
    ),
    explains=("devices-busy",),
    decide=_SHOW_MODE,
    examples=(
        "Cuda devices unavailable or busy on the node\n| N/A 40C P0 42W / 300W | 1200MiB / 32510MiB | 0% E. Process |",
        "compute mode Exclusive_Process on all nodes\nTest CUDA failure common.cu:940 'CUDA-capable",
        "our GPUs run in exclusive process mode\nRuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable",
        "| N/A 34C P0 42W / 300W | 1200MiB / 32510MiB | 0% E. Process |\nRuntimeError: CUDA error: all CUDA-capable devices are busy or "
        "unavailable",
        "2, Exclusive_Process, 310 MiB\nRuntimeError: CUDA error: CUDA-capable device(s) is/are busy or unavailable",
    ),
    counterexamples=("| N/A 34C P0 42W / 300W | 1200MiB / 32510MiB | 0% E. Process |\nepoch 1 loss 0.2",),
)

MPS = Cause(
    slug="mps-daemon-error",
    title="The CUDA MPS daemon cannot be reached or refused the client",
    why="CUDA_MPS_PIPE_DIRECTORY (or the default /tmp/nvidia-mps) points the program at a Multi-Process Service daemon that is not "
    "running, runs "
    "under another user, or is full.",
    signs=(
        Sign(r"MPS (?:control )?daemon is not running", FAIR),
        Sign(r"MPS client failed to connect to the MPS control daemon"),
        Sign(r"cudaErrorMps\w+"),
        Sign(r"CUDA_ERROR_MPS_\w+"),
        Sign(r"Error 80[5-9]: MPS"),
        Sign(r"error=80[5-9] : MPS"),
        Sign(r"failed to connect to the MPS (?:control daemon|server)"),
        Sign(r"MPS server is not ready to accept new MPS client"),
        Sign(r"hardware resources required to (?:create|support) (?:MPS|device) c\w+ have been exhausted"),
        Sign(r"Remote procedure call.{0,40}MPS server and the MPS client failed"),
        Sign(r"\] Server encountered a fatal exception\. Shutting down"),
        Sign(r"Control\s{1,8}\d{1,8}\] Server \d{1,8} exited with"),
        Sign(r"Server\s{1,8}\d{1,8}\] Failed to start ?:", FAIR),
        Sign(r"nvidia-cuda-mps-server.{0,40}exited with status [1-9]"),
        Sign(r"remote procedur\w{1,3} call between the MPS server"),
        Sign(r"Cannot find MPS control daemon"),
        Sign(r"MPS client has been terminated"),
        Sign(r"An instance of this daemon is already running", FAIR, also=(r"mps",)),
    ),
    fixes=(
        Fix(
            do="Start the MPS daemon for the same user, on the same host (and share its pipe directory and IPC namespace with the "
            "container).",
            commands=("nvidia-cuda-mps-control -d",),
        ),
        Fix(
            do="Or do not use MPS: unset CUDA_MPS_PIPE_DIRECTORY and stop a daemon that is in a bad state.",
            commands=("unset CUDA_MPS_PIPE_DIRECTORY", "echo quit | nvidia-cuda-mps-control"),
        ),
    ),
    explains=("cuda-no-device-error",),
    examples=(
        "$ echo quit | nvidia-cuda-mps-control\nCannot find MPS control daemon process",
        "$ nvidia-cuda-mps-control -d\nAn instance of this daemon is already running",
        "RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that "
        "might have "
        "already set an error? Error 805: MPS client failed to connect to the MPS control daemon or the MPS server",
        "[2025-03-02 08:10:01.120 Control    61] Starting new server 88 for user 1000\n[2025-03-02 08:10:01.300 Control    61] Server encountered a fatal exception. Shutting down",
    ),
    counterexamples=(
        "sshd: An instance of this daemon is already running",
        "RuntimeError: MPS backend out of memory",
        "torch.backends.mps.is_available() -> False",
    ),
)

MIG = Cause(
    slug="mig-single-instance",
    title="With MIG, one process sees one GPU instance only, and the program asks for more",
    why="CUDA enumerates a single MIG instance per process. A program that uses cuda:1, counts the cards through nvidia-smi, or wants "
    "several GPUs "
    "runs into that.",
    signs=(
        Sign(r"device >= 0 && device < num_gpus.{0,8}INTERNAL ASSERT FAILED", FAIR),
        Sign(r"device < num_gpus", FAIR, also=(r"MIG M\.", r"Enabled")),
        Sign(r"invalid device ordinal", FAIR, also=(r"MIG devices:",)),
        Sign(r"invalid device ordinal", FAIR, also=(r"MIG-[0-9a-fG]",)),
        Sign(r"ValueError: invalid literal for int\(\) with base 10: .{0,3}MIG-"),
        Sign(r"invalid literal for int.{0,40}MIG-"),
        Sign(r"CUDA_VISIBLE_DEVICES.{0,60}MIG-.{0,400}DeferredCudaCallError", FAIR),
        Sign(r"Invalid CUDA device index", FAIR, also=(r"\bMIG\b",)),
        Sign(r"there (?:are|is) (?:only )?1 visible CUDA device", FAIR, also=(r"\bMIG\b",)),
        Sign(r"Invalid (?:device|GPU) (?:UUID|id|index).{0,20}MIG-", FAIR),
        Sign(r"NVMLError_(?:InvalidArgument|NotSupported|NotFound)", FAIR, also=(r"\bMIG-[0-9a-fG]",)),
        Sign(r"invalid device ordinal", FAIR, also=(r"\bMIG \d[gc]\.\d{1,3}gb",)),
    ),
    fixes=(
        Fix(
            do="Give each process one instance: set CUDA_VISIBLE_DEVICES to one MIG UUID (nvidia-smi -L shows them) and use cuda:0 in "
            "the program.",
            commands=("nvidia-smi -L", "CUDA_VISIBLE_DEVICES=MIG-<uuid> python your_script.py"),
        ),
        Fix(
            do="For work that needs the whole GPU or several GPUs, switch MIG off.",
            commands=("sudo nvidia-smi -mig 0",),
            who="admin",
            risk="disruptive",
        ),
        Fix(do="Where a library parses CUDA_VISIBLE_DEVICES as numbers, update it, or pass the index of the instance instead of the UUID."),
    ),
    refines=("invalid-device-ordinal", "local-rank-invalid-device-ordinal"),
    decide="nvidia-smi -L",
    examples=(
        'job got three MIG slices\n[error] Invalid CUDA device index "2" from device string cuda:0,1,2, there are 1 visible CUDA devices.',
        "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n  MIG 3g.40gb Device 0: (UUID: MIG-5c0f)\nRuntimeError: CUDA error: invalid device "
        "ordinal",
        'RuntimeError: device >= 0 && device < num_gpus INTERNAL ASSERT FAILED at "../aten/src/ATen/cuda/CUDAContext.cpp":50',
        '  File "/opt/env/lib/python3.12/site-packages/vllm/platforms/cuda.py", line 60, in device_id_to_physical_device_id\n'
        "ValueError: invalid literal for int() with base 10: 'MIG-8f2b'",
    ),
    counterexamples=(
        '[error] Invalid CUDA device index "9" from device string cuda:9',
        "RuntimeError: CUDA error: invalid device ordinal",
        "|   0  NVIDIA A100   Off |\n|  MIG M. Enabled |",
    ),
)

CAUSES = (BUSY, EXCLUSIVE, MPS, MIG)
