"""nn.DataParallel, the single-process predecessor of DDP."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_BETTER = Fix(
    do="Better: one process per GPU with DistributedDataParallel and torchrun.",
    commands=("torchrun --standalone --nproc_per_node=2 train.py",),
)

CAUSES = (
    Cause(
        slug="data-parallel-stopiteration",
        title="A replica of DataParallel has no parameters() to look at",
        why="Since torch 1.5 the replicas that DataParallel makes have no registered parameters, so next(self.parameters()) inside "
        "forward raises StopIteration. Older transformers versions read their dtype or device like that.",
        signs=(
            Sign(r"Caught StopIteration in replica (?P<replica>\d+) on device"),
            Sign(r"parallel_apply.{0,2000}StopIteration: Caught StopIteration in replica"),
            Sign(r"next\(self(?:\.\w{1,20})?\.parameters\(\)\).{0,160}\bStopIteration\b", FAIR),
        ),
        fixes=(
            Fix(
                do="Upgrade the library (transformers) whose forward does next(self.parameters()), or use one GPU: CUDA_VISIBLE_DEVICES=0.",
                commands=("pip install --upgrade transformers", "CUDA_VISIBLE_DEVICES=0 python train.py"),
            ),
            Fix(
                do="In your own forward take dtype and device from an input, not from next(self.parameters()).",
                code="dtype, device = x.dtype, x.device",
            ),
            _BETTER,
        ),
        examples=(
            "StopIteration: Caught StopIteration in replica 0 on device 0.",
            "    mask = mask.to(dtype=next(self.parameters()).dtype)\nStopIteration",
        ),
        counterexamples=("StopIteration",),
    ),
    Cause(
        slug="data-parallel-gather",
        title="DataParallel could not put the outputs of its replicas together",
        why="After the forward DataParallel concatenates the outputs of all GPUs along the batch. Outputs of other sizes per replica "
        "(padding per GPU, lengths) or types it does not know cannot be joined.",
        signs=(
            Sign(r"Gather got an input of invalid size: got \[[\d, ]{1,60}\], but expected \[[\d, ]{0,60}\]"),
            Sign(r"gather_map.{0,200}TypeError: (?:zip argument #\d+ must support iteration|.{0,40}object is not (?:iterable|callable))"),
            Sign(r"Can['’]t concatenate.{0,80}gather_map"),
            Sign(r"Input tensor at index \d+ has invalid shape \["),
            Sign(r"All dicts must have the same number of keys", FAIR, also=(r"gather",)),
        ),
        fixes=(
            Fix(
                do="Return tensors of the same size from every replica (pad to a fixed length, total_length= in pad_packed_sequence), or "
                "compute the loss inside forward and return only that as a tensor."
            ),
            _BETTER,
        ),
        examples=(
            "RuntimeError: Gather got an input of invalid size: got [6, 17, 512], but expected [6, 19, 512]",
            "RuntimeError: Input tensor at index 1 has invalid shape [4, 31, 256], but expected [4, 35, 256]",
        ),
        counterexamples=("RuntimeError: stack expects each tensor to be equal size",),
    ),
    Cause(
        slug="data-parallel-scatter-scalar",
        title="DataParallel tried to split an input that has no batch dimension",
        why="DataParallel cuts every tensor argument along the batch. A tensor without dimensions cannot be cut.",
        signs=(Sign(r"chunk expects at least a 1-dimensional tensor"),),
        fixes=(Fix(do="Pass scalars as plain Python numbers, or as attributes of the module, not as 0-dimensional tensors."), _BETTER),
        examples=("RuntimeError: chunk expects at least a 1-dimensional tensor",),
        counterexamples=("RuntimeError: invalid argument: dimension out of range",),
    ),
)
