"""Parts of PyTorch that need an accelerator and are run without one."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

FSDP = Cause(
    slug="fsdp-needs-accelerator",
    title="FSDP was started on a machine without a usable accelerator",
    why="FSDP looks for the current accelerator to place its shards on. There is none here: no GPU, or a PyTorch build for the CPU.",
    signs=(
        Sign(r"FSDP needs a non-CPU accelerator device"),
        Sign(r"no accelerator device is detected", FAIR, also=(r"fsdp",)),
        Sign(r"Torch not compiled with CUDA enabled", FAIR, also=(r"fully_sharded_data_parallel\.py",)),
        Sign(r"FSDP (?:only|currently) supports? (?:GPU|CUDA)"),
        Sign(r"FSDP (?:requires|is only supported on) .{0,30}(?:GPU|accelerator)"),
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
    examples=("RuntimeError: FSDP needs a non-CPU accelerator device, but no accelerator device is detected.",),
    counterexamples=("AssertionError: Torch not compiled with CUDA enabled",),
)

SYNC_BN = Cause(
    slug="syncbn-on-cpu",
    title="SyncBatchNorm got input on the CPU",
    why="SyncBatchNorm is implemented for GPUs only (it synchronises through NCCL). The model was converted to it, or its configuration "
    "names SyncBN, and it runs on the CPU.",
    signs=(
        Sign(r"SyncBatchNorm expected input tensor to be on"),
        Sign(r"SyncBatchNorm (?:is )?only (?:supports|works|supported) .{0,40}(?:GPU|CUDA)"),
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
    ),
    counterexamples=("Converting BatchNorm to SyncBatchNorm",),
)

CAUSES = (FSDP, SYNC_BN)
