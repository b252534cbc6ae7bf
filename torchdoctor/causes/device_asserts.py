"""Assertions inside CUDA kernels: an index, a label or a probability was out of range."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign

_AFTER = (
    "device-side-assert",
    "nccl-watchdog-abort",
    "peer-rank-died-elsewhere",
    "nccl-heartbeat-monitor",
    "cublas-not-initialized",
    "cublas-execution-failed",
    "illegal-memory-access",
    "xid-43-channel-stopped",
)
_SEE_LINE = Fix(
    do="To see the line that passes the wrong value, run one batch on the CPU (there it is an ordinary exception), or rerun with "
    "CUDA_LAUNCH_BLOCKING=1. After such an assertion the process cannot use CUDA any more: restart it (in a notebook, the kernel).",
    commands=("CUDA_LAUNCH_BLOCKING=1 python your_script.py",),
)

LABELS = Cause(
    slug="device-side-assert-label-range",
    title="A class label lies outside 0..n_classes-1 of the loss",
    why="The loss kernel asserts that every target is a valid class index (or ignore_index). A label of -1 or 255, labels that start at 1, "
    "or a last layer with fewer outputs than there are classes break that.",
    signs=(
        Sign(r"Assertion .{0,2}t >= 0 && t < n_classes"),
        Sign(r"Assertion .{0,2}cur_target >= 0 && cur_target < n_classes"),
        Sign(r"t >= 0 && t < n_classes"),
        Sign(r"\bt >= 0 && t < n", FAIR),
        Sign(r"cur_target >= 0 && cur_t", FAIR),
        Sign(r"cunn_(?:Spatial)?ClassNLLCriterion_update\w{0,40}", FAIR),
        Sign(r"MultiLabelMarginCriterion\.cu.{0,200}Assertion"),
        Sign(r"Received a label value of -?\d+ which is outside the valid range"),  # TensorFlow
        Sign(r"(?:highest|largest) label in .target. should be smaller than"),  # torchmetrics
        Sign(r"Detected (?:more unique|the following) values in .target.", FAIR),
        Sign(
            r"(?:ClassNLLCriterion|SpatialClassNLLCriterion|NLLLoss|NLLLoss2d|MultiMarginLoss|MultiMarginCriterion|LossCTC)\.cuh?:\d+"
            r".{0,200}Assertion"
        ),
        Sign(r"nll_loss_(?:forward|backward)\w{0,40}.{0,160}Assertion"),
        Sign(r"cunn_ClassNLLCriterion_update\w{0,40}.{0,160}Assertion"),
        Sign(r"IndexError: Target -?\d+ is out of bounds"),
        Sign(r"Class values must be (?:non-negative|smaller than num_classes)"),
        Sign(r"ClassNLLCriterion\.\w+:\d+: in function", FAIR, also=(r"device-side assert",)),
        Sign(r"\bt < n_classes"),
        Sign(r"cur_target < n_classes"),
        Sign(r"Assertion .?t >= 0 &&", FAIR),
        Sign(r"\bt >= 0 && t <", FAIR),
    ),
    fixes=(
        Fix(
            do="Map the labels to 0..n_classes-1 and give the last layer (num_labels, num_classes, nc) as many outputs as there are "
            "classes, "
            "background included. Check with labels.min() and labels.max().",
            code="assert 0 <= int(target.min()) and int(target.max()) < logits.shape[1], (target.unique(), logits.shape)",
        ),
        Fix(
            do='If a value such as -1 or 255 means "no label", tell the loss: ignore_index.',
            code="criterion = torch.nn.CrossEntropyLoss(ignore_index=255)",
        ),
        _SEE_LINE,
    ),
    refines=("device-side-assert", "device-side-assert-index"),
    explains=_AFTER,
    decide="CUDA_LAUNCH_BLOCKING=1 python your_script.py",
    examples=(
        "../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward_reduce_cuda_kernel_2d: block: [0,0,0], thread: [5,0,0] Assertion "
        "`t >= 0 && t < n_classes` failed.\nRuntimeError: CUDA error: device-side assert triggered",
        "/pytorch/aten/src/THCUNN/ClassNLLCriterion.cu:106: void cunn_ClassNLLCriterion_updateOutput_kernel(Dtype *, Dtype *) [with "
        "Dtype = "
        "float]: block: [0,0,0], thread: [3,0,0] Assertion `t >= 0 && t < n_classes` failed.",
        "IndexError: Target 10 is out of bounds.",
        "Received a label value of 12 which is outside the valid range of [0, 10).  Label values: 3 12 7",
        "/pytorch/aten/src/THCUNN/SpatialClassNLLCriterion.cu:99: void cunn_SpatialClassNLLCriterion_updateOutput_kernel(T *, T *, T *, "
        "long *, T *, int, int, int, int, int, long)",
        "../aten/src/ATen/native/cuda/NLLLoss2d.cu:103: nll_loss2d_forward_kernel: block: [4,0,0], thread: [60,0,0] Assertion "
        "`t >= 0 && t < n_classes` failed.",
    ),
    counterexamples=("IndexError: list index out of range", "AssertionError: n_classes must be positive"),
)

INDEX = Cause(
    slug="device-side-assert-index",
    title="An index points outside its table (embedding, gather, scatter or indexing) on the GPU",
    why="The kernel asserts that every index is within the table it reads. Token ids beyond the embedding (tokenizer and vocab_size "
    "differ, a "
    "pad token of -1 or an added token), positions beyond the maximum length, or wrong edge and gather indices break that.",
    signs=(
        Sign(r"srcIndex < srcSelectDimSize"),
        Sign(r"indexSelect(?:Large|Small)Index"),
        Sign(r"Assertion .{0,2}-sizes\[i\] <= index && index < sizes\[i\]"),
        Sign(r"index >= -sizes\[i\] && index < sizes\[i\]"),
        Sign(r"index out of bounds.{0,12} failed"),
        Sign(r"Assertion .{0,2}idx_dim >= 0 && idx_dim < index_size"),
        Sign(r"Assertion .{0,2}indexValue >= 0 && indexValue < "),
        Sign(r"ScatterGatherKernel\.cu:\d+.{0,200}Assertion"),
        Sign(r"IndexKernel\.cu:\d+.{0,200}Assertion"),
        Sign(r"Indexing\.cu:\d+.{0,200}Assertion"),
        Sign(r"(?:THCTensorIndex|THCTensorScatterGather|EmbeddingBag|Embedding)\.cuh?:\d+.{0,200}Assertion"),
        Sign(r"EmbeddingBag_update\w{3,30}.{0,200}Assertion"),
        Sign(r"vectorized_gather_kernel.{0,160}Assertion"),
        Sign(r"dstIndex < dstAddDimSize"),
        Sign(r"index out of bounds: 0 <= [^<]{1,80} < \w+", FAIR),
        Sign(r"Embedding\w{0,12}\.cuh?\b.{0,200}Assertion"),
        Sign(r"RuntimeError: index -?\d+ is out of bounds for dimension \d+ with size \d+", FAIR),
        Sign(r"Invalid index in (?:gather|scatter)"),
        Sign(r"Token id -?\d+ is out of vocabulary", FAIR),  # vLLM
        Sign(r"(?:ind|dst_index|target_index|index) >=? ?0 && .{0,20}(?:ind|index) < .{0,30}(?:dim_size|DimSize|size).{0,40} failed", FAIR),
        Sign(r"index out of bounds: 0 <= tmp\d+ < ", STRONG),
        Sign(r"Assertion .{0,40}index out of bounds", FAIR),
        Sign(r"indexValue < src\.sizes", FAIR),
        Sign(r"indexValue >= 0 &&", FAIR),
        Sign(r"idx_dim < index_size", FAIR),
    ),
    fixes=(
        Fix(
            do="Check the ids against the table: every token id must be below model.get_input_embeddings().num_embeddings (vocab_size) "
            "and not "
            "negative. After adding tokens call model.resize_token_embeddings(len(tokenizer)); use the tokenizer of this very checkpoint.",
            code="assert 0 <= int(ids.min()) and int(ids.max()) < model.get_input_embeddings().num_embeddings",
        ),
        Fix(
            do="If the table is the position embedding, truncate the sequence to the model's maximum length (max_position_embeddings): "
            "truncation=True, max_length=... .",
            code='batch = tokenizer(texts, truncation=True, max_length=model.config.max_position_embeddings, return_tensors="pt")',
        ),
        Fix(
            do="For gather, scatter, edge_index or your own indexing: check index.min() and index.max() against the size of that dimension."
        ),
        _SEE_LINE,
    ),
    refines=("device-side-assert",),
    explains=_AFTER,
    decide="CUDA_LAUNCH_BLOCKING=1 python your_script.py",
    examples=(
        "/opt/conda/conda-bld/pytorch_1/work/aten/src/ATen/native/cuda/Indexing.cu:1141: indexSelectLargeIndex: block: [12,0,0], thread: "
        "[31,0,0] "
        "Assertion `srcIndex < srcSelectDimSize` failed.",
        "../aten/src/ATen/native/cuda/ScatterGatherKernel.cu:144: operator(): block: [1,0,0], thread: [8,0,0] Assertion `idx_dim >= 0 && "
        "idx_dim < "
        'index_size && "index out of bounds"` failed.\nRuntimeError: CUDA error: device-side assert triggered',
        "../aten/src/ATen/native/cuda/IndexKernel.cu:92: operator(): block: [0,0,0], thread: [64,0,0] Assertion `-sizes[i] <= index && "
        "index < "
        'sizes[i] && "index out of bounds"` failed.',
        "RuntimeError: index 1030 is out of bounds for dimension 1 with size 1024",
        "RuntimeError: Invalid index in gather at /pytorch/aten/src/TH/generic/THTensorEvenMoreMath.cpp:459",
        "/tmp/torchinductor_kai/ab/cab.py:31: unknown: block: [0,0,0], thread: [0,0,0] Assertion `index out of bounds: 0 <= tmp4 < "
        "32000` failed.",
    ),
    counterexamples=("IndexError: index 5 is out of bounds for axis 0 with size 5",),
)

BCE = Cause(
    slug="device-side-assert-bce-range",
    title="The input of BCELoss is not within 0 and 1 (or is NaN)",
    why="BCELoss takes probabilities. Raw scores without a sigmoid, or a NaN that the model produced, fail the kernel's check.",
    signs=(
        Sign(r"input_val >= zero && input_val <= one"),
        Sign(r"Assertion .{0,2}input >= 0\.? && input <= 1"),
        Sign(r"all elements of (?:input|target) should be between 0 and 1"),
        Sign(r"input value should be between 0 ?~ ?1"),
        Sign(r"\bx >= 0\.? && x <= 1\b", FAIR),
        Sign(r"target_val >= zero && target_val <= one"),
        Sign(r"BCECriterion\.cu?\b", FAIR),
        Sign(r"BCECriterion\.cu:\d+.{0,200}Assertion"),
        Sign(r"binary_cross_entropy.{0,200}Assertion"),
        Sign(r"&& input(?:_val)? <= (?:one|1\.)", FAIR),
        Sign(r"Assertion .?input(?:_val)? >= (?:zero|0\.)", FAIR),
        Sign(r"input >= 0\. && input\b", FAIR),
    ),
    fixes=(
        Fix(
            do="Pass raw scores to BCEWithLogitsLoss (F.binary_cross_entropy_with_logits), or put a sigmoid before BCELoss, so that the "
            "values are "
            "between 0 and 1. The targets must be within 0 and 1 too (divide masks of 0..255 by 255).",
            code="criterion = torch.nn.BCEWithLogitsLoss()   # on logits, without a sigmoid before it",
        ),
        Fix(
            do="If a sigmoid is there, the values are NaN: find where they begin (torch.isnan on the output, detect_anomaly) and lower the "
            "learning rate, clip the gradients or compute the loss in float32.",
            code="assert torch.isfinite(scores).all()",
        ),
        _SEE_LINE,
    ),
    refines=("device-side-assert",),
    explains=(*_AFTER, "nan-loss"),
    examples=(
        "/pytorch/aten/src/ATen/native/cuda/Loss.cu:111: operator(): block: [0,0,0], thread: [7,0,0] Assertion `input_val >= zero && "
        "input_val <= "
        "one` failed.",
        "RuntimeError: all elements of input should be between 0 and 1",
        "RuntimeError: Assertion `x >= 0. && x <= 1.' failed. input value should be between 0~1, but got -0.412003 at "
        "/pytorch/aten/src/THNN/generic/BCECriterion.c:62",
        "RuntimeError: all elements of target should be between 0 and 1",
        "/pytorch/aten/src/THCUNN/BCECriterion.cu:42: Acctype bce_functor::operator()(Tuple) [with Dtype = float]: block: [0,0,0], "
        "thread: [1,0,0] "
        "Assertion `input >= 0. && input <= 1.` failed.",
    ),
    counterexamples=("ValueError: threshold should be between 0 and 1",),
)

CAUSES = (LABELS, INDEX, BCE)
