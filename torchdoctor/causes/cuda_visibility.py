"""A driver is there, but this process sees no GPU, or no GPU can be there at all."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_MAC = r"(?<![:\w])/Users/[\w.-]+/"
_NO_CUDA = r"Torch not compiled with CUDA enabled"
_COLAB = r"(?<!\w)/content/"

CAUSES = (
    Cause(
        slug="cuda-visible-devices-wrong",
        title="No GPU is visible to this process: CUDA_VISIBLE_DEVICES hides them all or names one that does not exist",
        why="The driver is there, but CUDA offers only the devices that CUDA_VISIBLE_DEVICES lists, up to the first that does not exist. "
        "An empty value, -1, or a wrong index (or one set by Ray, Slurm or a launcher) leaves none.",
        signs=(
            Sign(r"CUDA_VISIBLE_DEVICES['\"\])]{0,3} ?[=:] ?['\"]?(?P<devices>-?\w[\w,-]*)?", also=(r"No CUDA GPUs are available",)),
            Sign(
                r"CUDA_VISIBLE_DEVICES['\"\])]{0,3} ?[=:] ?['\"]?(?P<devices>-?\w[\w,-]*)?",
                also=(r"no CUDA-capable device is detected",),
            ),
            Sign(
                r"CUDA_VISIBLE_DEVICES['\"\])]{0,3} ?[=:] ?['\"]?(?P<devices>-?\w[\w,-]*)?",
                FAIR,
                also=(r"Error 101: invalid device ordinal",),
            ),
            Sign(r"No CUDA GPUs are available", FAIR),
            Sign(r"cudaGetDeviceCount.{0,160}Error 101: invalid device ordinal", FAIR),
            Sign(r"CUDA initialization: Unexpected error.{0,200}Error 100: no CUDA-capable device", FAIR),
            Sign(r"Invalid CUDA .{0,3}device=(?P<device>[\d,]+).{0,3} requested", FAIR, also=(r"CUDA_VISIBLE_DEVICES'\]: (?:-1|\d)",)),
            Sign(
                r"(?:export |set )?CUDA_VISIBLE_DEVICES=(?P<devices>-1|\"\"|'')",
                FAIR,
                also=(r"is_available\(\).{0,12} False\b|device_count\(\).{0,12} 0\b",),
            ),
            Sign(r"Invalid (?:value (?:of|for|in) )?CUDA_VISIBLE_DEVICES", FAIR),
        ),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "Set CUDA_VISIBLE_DEVICES to existing indices, as nvidia-smi -L lists them (0 for the first), or unset it, before the "
                "program starts (before torch is imported).",
                ("echo $CUDA_VISIBLE_DEVICES", "nvidia-smi -L", "unset CUDA_VISIBLE_DEVICES"),
            ),
            Fix(
                "Under Ray, Slurm or a notebook service the launcher sets it: ask it for a GPU (Ray: num_gpus=1 on the task or actor; "
                "Slurm: --gres=gpu:1; Colab: a GPU runtime).",
            ),
            Fix(
                "If nvidia-smi lists no GPU here (container, virtual machine), give this environment access to one, or run on the CPU.",
                code='device = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
            ),
        ),
        decide="python -c \"import os, torch; print(os.environ.get('CUDA_VISIBLE_DEVICES'), torch.cuda.device_count())\"; nvidia-smi -L",
        patch="device-available",
        examples=(
            "ValueError: Invalid CUDA_VISIBLE_DEVICES: 6,7",
            '$ CUDA_VISIBLE_DEVICES=4 python fit.py\n  File "/opt/conda/lib/python3.10/site-packages/torch/cuda/__init__.py", line '
            "247, in _lazy_init\n    torch._C._cuda_init()\nRuntimeError: No CUDA GPUs are available",
            "RuntimeError: No CUDA GPUs are available",
        ),
        counterexamples=("export CUDA_VISIBLE_DEVICES=0,1\npython fit.py\nepoch 0 done",),
    ),
    Cause(
        slug="mig-no-instance-visible",
        title="MIG mode is on, but no MIG instance exists or is visible, so CUDA sees no device",
        why="With Multi-Instance GPU enabled, CUDA programs can use only MIG instances, not the whole GPU. None has been created, or "
        "CUDA_VISIBLE_DEVICES does not name one by its MIG UUID.",
        signs=(
            Sign(r"No MIG devices found"),
            Sign(r"\bMIG-(?:GPU-)?[0-9a-f]{8}-", FAIR, also=(r"No CUDA GPUs are available",)),
            Sign(r"No MIG-enabled devices (?:were )?found", FAIR),
            Sign(r"\bMIG M\..{0,400}Enabled", FAIR, also=(r"No CUDA GPUs are available",), unless=(r"\bMIG devices: .{0,900}GI +CI",)),
            Sign(r"MIG mode.{0,60}enabled", FAIR, also=(r"no CUDA-capable device is detected",)),
            Sign(r"No GPU instances found", FAIR),
            Sign(r"No CUDA GPUs are available", also=(r"MIG M\.", r"\bEnabled\b")),
            Sign(r"No MIG-enabled (?:GPU instances|devices|GPU)"),
            Sign(r"MIG mode (?:is )?enabled, no devices"),
            Sign(
                r"no CUDA-capable device is detected",
                also=(
                    r"MIG M\.",
                    r"\bEnabled\b",
                ),
                unless=(r"\bMIG devices: .{0,900}GI +CI",),
            ),
            Sign(
                r"nvidia-smi (?:-i \S{1,20} )?-mig 1\b",
                FAIR,
                also=(
                    r"(?:No CUDA GPUs are available|no CUDA-capable device|CUDA_ERROR_NO_DEVICE|initialization error|device_count\(\).{0,12} 0\b|is_available\(\).{0,12} False\b)",
                ),
            ),
            Sign(
                r"Enabled MIG Mode for GPU",
                FAIR,
                also=(
                    r"(?:No CUDA GPUs are available|no CUDA-capable device|CUDA_ERROR_NO_DEVICE|initialization error|device_count\(\).{0,12} 0\b|is_available\(\).{0,12} False\b)",
                ),
            ),
            Sign(
                r"\bMIG mode.{0,40}enabled",
                FAIR,
                also=(
                    r"(?:No CUDA GPUs are available|no CUDA-capable device|CUDA_ERROR_NO_DEVICE|initialization error|device_count\(\).{0,12} 0\b|is_available\(\).{0,12} False\b)",
                ),
            ),
            Sign(r"Unable to create a GPU instance on GPU.{0,60}Insufficient Resources", FAIR),
            Sign(r"Failed to create GPU instances: Insufficient Resources", FAIR),
            Sign(r"MIG mode is in pending enable state", FAIR),
        ),
        explains=("cuda-no-device-error", "cuda-visible-devices-wrong"),
        refines=("cuda-visible-devices-wrong",),
        fixes=(
            Fix(
                "Create GPU and compute instances and set CUDA_VISIBLE_DEVICES to the MIG UUID that nvidia-smi -L prints.",
                ("sudo nvidia-smi mig -lgip", "sudo nvidia-smi mig -cgi 0 -C", "nvidia-smi -L", "export CUDA_VISIBLE_DEVICES=MIG-UUID"),
                who="admin",
            ),
            Fix("Or turn MIG mode off, to use the whole GPU.", ("sudo nvidia-smi -i 0 -mig 0",), who="admin", risk="disruptive"),
            Fix(
                "If instances cannot be created (Insufficient Resources, pending enable state): end what uses the GPU, remove the old instances and reset the GPU first.",
                ("sudo nvidia-smi mig -dci", "sudo nvidia-smi mig -dgi", "sudo nvidia-smi --gpu-reset -i 0"),
                who="admin",
                risk="disruptive",
            ),
        ),
        decide="nvidia-smi -L",
        examples=(
            "No MIG-enabled GPU instances found.",
            "GPU 0: NVIDIA H100 (UUID: GPU-12ab)\n  (MIG mode enabled, no devices)\nRuntimeError: No CUDA GPUs are available",
            "Unable to create a GPU instance on GPU  0 using profile 9: Insufficient Resources",
            "| MIG devices:                                              |\n|  No MIG devices found                                     |",
        ),
        counterexamples=(
            "No MIG-supported GPUs found.",
            "Migrating the database: no devices found for user 12",
        ),
    ),
    Cause(
        slug="cuda-hardcoded",
        title="The program asks for CUDA on a machine that has no usable NVIDIA GPU",
        why="The code says 'cuda' or calls .cuda() without looking whether there is a GPU. On a Mac, a CPU-only machine or a notebook "
        "runtime without GPU there is none to be had, and no other torch wheel changes that.",
        signs=(
            Sign(_NO_CUDA, also=(_MAC,)),
            Sign(_NO_CUDA, test=lambda groups, situation: situation.os == "macos"),
            Sign(_NO_CUDA, also=(r"/opt/homebrew/",)),
            Sign(_NO_CUDA, also=(r"\bMacBook|\bMac (?:laptop|mini|studio|pro)\b|\b(?:my|a|on|our|an M\d) (?:i?Mac|macOS)\b",)),
            Sign(_NO_CUDA, also=(r"/Library/Frameworks/Python\.framework",)),
            Sign(_NO_CUDA, also=(r"\bApple (?:M\d|Silicon)",)),
            Sign(r"Found no NVIDIA driver on your system", also=(_COLAB,)),
            Sign(r"No CUDA GPUs are available", also=(_COLAB,)),
            Sign(r"Found no NVIDIA driver on your system", also=(_MAC,)),
            Sign(r"Found no NVIDIA driver on your system", also=(r"/kaggle/",)),
            Sign(r"Found no NVIDIA driver on your system", also=(r"/home/(?:runner/work|user/app)/",)),
            Sign(r"Found no NVIDIA driver on your system", also=(r"/mount/src/",)),
            Sign(r"Found no NVIDIA driver on your system", FAIR, also=(r"@login[\w.-]{0,30}[ :]",)),
            Sign(r"Found no NVIDIA driver on your system", FAIR, also=(r"(?:AMD Radeon|Intel\(R\) (?:UHD|Iris|Arc)|Intel UHD)",)),
            Sign(r"Found no NVIDIA driver on your system", FAIR, also=(r"(?:CPU-only (?:machine|node|runtime|server)|no GPU on this)",)),
            Sign(r"can only be used on CUDA devices", FAIR, also=(r"(?:fp16|mixed precision)",)),
            Sign(r"CUDAAccelerator.{0,3} can ?not (?:be )?run on your system", FAIR),
            Sign(r"No supported gpu backend found", FAIR),
            Sign(r"You requested gpu: .{0,20} But your machine only has: \[\]", FAIR),
            Sign(r"Failed to infer device type", FAIR, also=(r"\bvllm\b",)),
            Sign(r"Unsloth cannot find any torch accelerator", FAIR),
            Sign(r"No NVIDIA GPU found\? Unsloth currently only supports GPUs", FAIR),
            Sign(r"CUDA is not available.{0,40}(?:Aborting|exit|required)", WEAK),
            Sign(_NO_CUDA, also=(r"\b(?:macOS[- ]\d|Darwin Kernel|Mac OS X|arm64-apple)",)),
            Sign(r"mixed precision requires a GPU", FAIR),
            Sign(r"Unsloth: No (?:NVIDIA )?GPU found", FAIR),
            Sign(r"Unsloth:? (?:currently )?only works on NVIDIA GPUs", FAIR),
            Sign(r"Unsloth cannot find any torch accelerator", FAIR),
            Sign(r"memory.efficient attention is only available for GPU", FAIR),
        ),
        unless=(r"\d\+cpu\b", r"Driver Version: \d"),
        refines=("torch-cpu-only-build", "cuda-unavailable-no-driver", "cuda-visible-devices-wrong"),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "On a Mac use the MPS backend (or the CPU): replace 'cuda' and .cuda() by a chosen device and .to(device).",
                code='device = torch.device("mps" if torch.backends.mps.is_available() else "cpu")\nmodel = model.to(device)',
                when="os=macos",
            ),
            Fix(
                "Select the device with torch.cuda.is_available() and fall back to the CPU; use .to(device) instead of .cuda(), and "
                'map_location="cpu" when loading checkpoints.',
                code='device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nmodel = model.to(device)',
            ),
            Fix(
                "Or move to a machine with an NVIDIA GPU and its driver (in Colab: Runtime, Change runtime type, GPU).",
                ("nvidia-smi",),
            ),
        ),
        wrong_advice="Installing another torch build or an NVIDIA driver does not help on a machine without an NVIDIA GPU.",
        patch="device-available",
        examples=(
            "ValueError: fp16 mixed precision requires a GPU (not 'mps').",
            "NotImplementedError: Unsloth cannot find any torch accelerator? You need a GPU.",
            'Traceback (most recent call last):\n  File "/Users/ines/proj/run.py", line 12, in <module>\n    model.to("cuda")\n  File '
            '"/Users/ines/proj/venv/lib/python3.11/site-packages/torch/cuda/__init__.py", line 310, in _lazy_init\n    raise '
            'AssertionError("Torch not compiled with CUDA enabled")\nAssertionError: Torch not compiled with CUDA enabled',
            "/content/demo.py in load()\n---> 20 net.cuda()\nRuntimeError: Found no NVIDIA driver on your system. Please check that you "
            "have an NVIDIA GPU and installed a driver",
        ),
        counterexamples=("cuda is not available, using the CPU instead\nepoch 1: loss 0.7",),
    ),
    Cause(
        slug="gpu-memory-full-at-init",
        title="The GPU's memory is already taken, so a CUDA library could not initialise",
        why="cuBLAS, cuDNN and the CUDA context itself need some hundred megabytes when they start. Other processes, or this program's "
        "own tensors, have left none, so the library's handle could not be created.",
        signs=(
            Sign(r"Error 2: out of memory", FAIR, also=(r"(?:cudaGetDeviceCount|CUDA initialization|CUDAFunctions)",)),
            Sign(r"CUDNN_STATUS_ALLOC_FAILED"),
            Sign(r"CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
            Sign(r"CUSOLVER_STATUS_ALLOC_FAILED"),
            Sign(r"cudaGetDeviceCount.{0,160}Error 2: out of memory"),
            Sign(r"CUDNN_STATUS_NOT_INITIALIZED", FAIR, also=(r"CUDA out of memory",)),
            Sign(r"cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY"),
            Sign(r"DNN library initialization failed", FAIR, unless=(r"Loaded runtime CuDNN library",)),
        ),
        explains=("cudnn-not-initialized", "cudnn-no-engine", "cudnn-execution-failed"),
        fixes=(
            Fix(
                "Free the GPU memory: see who holds it with nvidia-smi and end leftover processes or restart the notebook kernel.",
                ("nvidia-smi",),
            ),
            Fix(
                "Let this program leave room: a lower batch size, a lower memory fraction (torch.cuda.set_per_process_memory_fraction; "
                "vLLM: gpu_memory_utilization), or another GPU.",
                code="torch.cuda.set_per_process_memory_fraction(0.9)",
            ),
        ),
        decide="nvidia-smi --query-gpu=memory.used,memory.total --format=csv",
        examples=(
            "INTERNAL: failed call to cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY: out of memory; total memory reported: 16945512448",
            "jaxlib.xla_extension.XlaRuntimeError: FAILED_PRECONDITION: DNN library initialization failed. Look at the errors above for more details.",
            "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        ),
        counterexamples=("malloc statistics: alloc_failed=0",),
    ),
)
