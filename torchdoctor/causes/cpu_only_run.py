"""Parts of PyTorch that need an accelerator and are run without one."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

FSDP = Cause(
    slug="fsdp-needs-accelerator",
    title="FSDP was started on a machine without a usable accelerator",
    why="FSDP looks for the current accelerator to place its shards on. There is none here: no GPU, or a PyTorch build for the CPU.",
    signs=(
        Sign(r"FSDP needs a non-CPU accelerator device"),
        Sign(r"no accelerator device is detected", FAIR, also=(r"fsdp",)),
        Sign(r"Torch not compiled with CUDA enabled", FAIR, also=(r"fully_sharded_data_parallel\.py",)),
        Sign(r"FSDP (?:only|currently) supports? (?:GPU|CUDA)"),
        Sign(r"The strategy \W?fsdp\w*\W? requires a GPU accelerator"),
        Sign(r"strategy to be \W?fsdp\w*\W?, but (?:the )?GPU accelerator is not used"),
        Sign(r"fully_shard .{0,40}(?:requires|needs) .{0,20}(?:accelerator|GPU|CUDA device)", FAIR, also=(r"Error",)),
        Sign(r"FSDP .{0,20}(?:not supported|not support|not available) .{0,20}\bCPU", FAIR),
        ends_in("torch/distributed/fsdp/_init_utils.py", "_init_device_handle"),
        Sign(r"FSDP (?:requires|is only supported on) .{0,30}(?:GPU|accelerator|CUDA)"),
    ),
    fixes=(
        Fix(
            do="Run it where GPUs are visible, with a PyTorch build for them (a CUDA build on an NVIDIA machine).",
            commands=('python -c "import torch; print(torch.__version__, torch.cuda.is_available())"',),
        ),
        Fix(
            do="To train on the CPU use DistributedDataParallel with the gloo backend, or tell FSDP the device: "
            'device_id=torch.device("cpu").',
            code='model = FSDP(model, device_id=torch.device("cpu"))',
        ),
    ),
    refines=("torch-cpu-only-build",),
    explains=("peer-rank-died-elsewhere", "user-error-in-rank"),
    examples=(
        "RuntimeError: FSDP needs a non-CPU accelerator device, but no accelerator device is detected.",
        "ValueError: The strategy `fsdp` requires a GPU accelerator, but received `<class 'CPUAccelerator'>`.",
    ),
    counterexamples=("AssertionError: Torch not compiled with CUDA enabled",),
)

SYNC_BN = Cause(
    slug="syncbn-on-cpu",
    title="SyncBatchNorm got input on the CPU",
    why="SyncBatchNorm is implemented for GPUs only (it synchronises through NCCL). The model was converted to it, or its configuration "
    "names SyncBN, and it runs on the CPU.",
    signs=(
        Sign(r"SyncBatchNorm expected input tensor to be on"),
        Sign(r"expected input tensor to be on GPU\b", FAIR),
        Sign(r"SyncBatchNorm .{0,40}not (?:supported|implemented|available) (?:on|for) .{0,20}\bCPU", FAIR),
        Sign(r"InplaceABNSync .{0,40}only .{0,20}(?:GPU|CUDA)", FAIR),
        ends_in("torch/nn/modules/batchnorm.py", "forward", code=r"raise ValueError\(.{0,2}SyncB\w*"),
        ends_in("torch/nn/modules/batchnorm.py", "_check_non_zero_input_channels", code=r"raise ValueError\(.{0,2}SyncB\w*"),
        Sign(r"SyncBatchNorm (?:is )?only (?:supports|works|supported) .{0,40}(?:GPU|CUDA)"),
        Sign(r"tensor to be on GPU", FAIR),
    ),
    fixes=(
        Fix(
            do="On the CPU use plain BatchNorm: leave out convert_sync_batchnorm, or in the configuration replace SyncBN by BN (norm_cfg "
            '= dict(type="BN")).',
            code='norm_cfg = dict(type="BN", requires_grad=True)',
        ),
        Fix(do="Or move model and data to the GPU before the forward pass.", code='model.to("cuda"); x = x.to("cuda")'),
    ),
    explains=("peer-rank-died-elsewhere", "user-error-in-rank"),
    examples=(
        '  File "/opt/env/lib/python3.8/site-packages/torch/nn/modules/batchnorm.py", line 711, in forward\n'
        '    raise ValueError("SyncBatchNorm expected input tensor to be on GPU")\nValueError: SyncBatchNorm expected input tensor to be '
        "on GPU",
        '  File "/opt/env/lib/python3.9/site-packages/torch/nn/modules/batchnorm.py", line 770, in forward\n    raise ValueError("SyncBat',
    ),
    counterexamples=("Converting BatchNorm to SyncBatchNorm",),
)

CAUSES = (FSDP, SYNC_BN)
