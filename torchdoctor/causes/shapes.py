"""Shapes that do not fit: layers and their input, loss and target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_SIZE = r"torch\.Size\(\[(?P<{0}>\d+)[^\]]{{0,60}}\]\)"


def first_differs(groups: Mapping[str, str], situation: Any) -> bool:
    """The first dimensions (the batch) differ."""
    return groups["have"] != groups["want"]


CAUSES = (
    Cause(
        slug="batch-size-mismatch",
        title="Input and target of the loss have different batch sizes ({have|one} and {want|another})",
        why="The loss pairs each row of the prediction with a target. Mostly a view, flatten or pooling in forward moved other "
        "dimensions into the batch dimension, or the last, smaller batch met a fixed batch size.",
        signs=(
            Sign(r"Expected input batch_size \((?P<have>\d+)\) to match target batch_size \((?P<want>\d+)\)"),
            Sign(r"size mismatch \(got input: \[(?P<have>\d+)[\d, ]{0,40}\], target: \[(?P<want>\d+)[\d, ]{0,40}\]\)"),
            Sign(
                r"Target size \(" + _SIZE.format("want") + r"\) must be (?:the )?same as input size \(" + _SIZE.format("have") + r"\)",
                test=first_differs,
            ),
            Sign(
                r"Using a target size \("
                + _SIZE.format("want")
                + r"\) that is different to the input size \("
                + _SIZE.format("have")
                + r"\)",
                test=first_differs,
                also=(r"Error: ",),
            ),
            Sign(r"input\.batch_size == target\.batch_size"),
            Sign(r"input\.batch_size \(?(?P<have>\d+)\)?,? .{0,20}target\.batch_size \(?(?P<want>\d+)"),
            Sign(
                r"Expected target size [\[(](?P<want>\d+)[\d, ]{0,40}[\])], got (?:torch\.Size\()?\[(?P<have>\d+)[\d, ]{0,40}\]",
                test=first_differs,
            ),
            Sign(
                r"input and target batch or spatial sizes don't match: target \[(?P<want>\d+) .{1,60}input \[(?P<have>\d+) ",
                test=first_differs,
            ),
            Sign(r"(?:input|\w+_?size|THTensor_)\S{0,20} == (?:target\S{0,10}size\(0\)|batch_size)'? failed", FAIR),
            Sign(r"Assertion `.{0,60}target.{0,30}== ?batch_size"),
            Sign(
                r"batch[_ ]?sizes? .{0,40}(?:inputs?|logits|predictions?) .{0,20}(?:and|vs) .{0,20}(?:targets?|labels?).{0,30}(?:must|do not|don't|does not|should) match",
                FAIR,
            ),
            Sign(r"(?:inputs?|logits) batch.{0,20} does(?: not|n't) match (?:the )?(?:target|label)", FAIR),
            Sign(r"Expected hidden(?:\[\d\])? size \((?P<x>[\d, ]+)\), got \[?(?P<y>[\d, ]+)"),
            Sign(r"Expected input batch_size", FAIR),
            ends_in(
                "torch/nn/functional.py", "nll_loss(?:2d)?", code=r"(?:\.format\(input\.size\(0\), target\.size\(0\)\)|raise ValueError\()"
            ),
        ),
        fixes=(
            Fix(
                "Print the shapes before the loss and mend the reshape in forward: flatten with x.view(x.size(0), -1) (or "
                "torch.flatten(x, 1)), check pooling and kernel sizes, so that the first dimension stays the batch.",
                code="x = torch.flatten(x, 1)   # keeps the batch dimension\nprint(logits.shape, target.shape)",
            ),
            Fix("Use x.size(0) instead of a fixed batch size, or drop the last incomplete batch: DataLoader(..., drop_last=True)."),
            Fix(
                "For sequences flatten both alike: loss(logits.view(-1, vocab), target.view(-1)).",
                code="loss = criterion(logits.view(-1, logits.size(-1)), target.view(-1))",
            ),
        ),
        refines=("loss-shape-mismatch",),
        examples=(
            "    loss = criterion(out, y)\nValueError: Expected input batch_size (128) to match target batch_size (32).",
            "RuntimeError: size mismatch (got input: [16, 10], target: [4])",
            "RuntimeError: Expected target size [8, 10], got [4, 10]",
            "ValueError: Target size (torch.Size([16])) must be same as input size (torch.Size([64]))",
            '  File "/opt/env/lib/python3.6/site-packages/torch/nn/functional.py", line 2262, in nll_loss\n    .format(input.size(0), target.size(0)))',
        ),
        counterexamples=("ValueError: Target size (torch.Size([16])) must be same as input size (torch.Size([16, 1]))",),
    ),
    Cause(
        slug="loss-shape-mismatch",
        title="Prediction and target of the loss have different shapes",
        why="Binary and regression losses compare element by element, cross entropy wants class numbers of one dimension less than the "
        "logits; here one of them has a dimension too many or too few.",
        signs=(
            Sign(r"Target size \(" + _SIZE.format("want") + r"\) must be (?:the )?same as input size \(" + _SIZE.format("have") + r"\)"),
            Sign(r"Using a target size \(.{1,60}\) that is different to the input size \(.{1,60}\) is deprecated"),
            Sign(r"0D or 1D target tensor expected, multi-target not supported"),
            Sign(r"multi-target not supported at"),
            Sign(r"1D target tensor expected, multi-target not supported"),
            Sign(r"Expected target size \[?\(?(?P<want>[\d, ]+)\]?\)?, got (?:torch\.Size\()?\[(?P<have>[\d, ]+)\]"),
            Sign(r"only batches of spatial targets supported"),
            Sign(r"Target and input must have the same number of elements"),
            Sign(r"input and target shapes do not match"),
            Sign(r"input and target batch or spatial sizes don't match"),
            Sign(r"Expected 2 or more dimensions \(got 1\)"),
            Sign(r"Dimension out of range .{0,60}got 1\)", FAIR, also=(r"cross_entropy|nll_loss|log_softmax",), near=900),
            Sign(r"This will likely lead to incorrect results due to broadcasting", FAIR, also=(r"Error",)),
            Sign(r"Using a target size \(.{1,60}\) that is different to the input size", FAIR, also=(r"Error",)),
            Sign(r"Expected floating point type for target with class probabilities, got"),
            ends_in("torch/nn/functional.py", "binary_cross_entropy(?:_with_logits)?", code=r"raise ValueError"),
        ),
        fixes=(
            Fix(
                "For binary or regression losses make the shapes equal: logits.squeeze(-1), or target.unsqueeze(1) (and target.float()).",
                code="loss = criterion(logits.squeeze(-1), target.float())",
            ),
            Fix(
                "For cross entropy the target holds class numbers: target.argmax(dim=1) for one-hot labels, target.squeeze(1) for a "
                "dimension too many; logits as (batch, classes, ...)."
            ),
        ),
        refines=("shape-mismatch",),
        examples=(
            "ValueError: Target size (torch.Size([16])) must be same as input size (torch.Size([16, 1]))",
            "RuntimeError: 0D or 1D target tensor expected, multi-target not supported",
            "ValueError: Target and input must have the same number of elements. target nelement (4) != input nelement (8)",
            "RuntimeError: Expected target size [4, 10], got [4, 12]",
            '  File "/opt/env/lib/python3.9/site-packages/torch/nn/functional.py", line 3080, in binary_cross_entropy\n    raise ValueError(',
        ),
        counterexamples=("ValueError: Expected input batch_size (128) to match target batch_size (32).",),
    ),
    Cause(
        slug="shape-mismatch",
        title="The shapes of an operation do not fit: the layer expects another size than the data has",
        why="The width of a layer (in_features, in_channels, hidden size) is fixed when the model is built, and here the tensor that "
        "arrives has another one: other data than planned, a wrong flatten, or components of different models.",
        signs=(
            Sign(r"mat1 and mat2 shapes cannot be multiplied \((?P<have>\d+x\d+) and (?P<want>\d+x\d+)\)"),
            Sign(r"size mismatch, m1: \[(?P<have>\d+ x \d+)\], m2: \[(?P<want>\d+ x \d+)\]"),
            Sign(r"size mismatch, (?:m1|get|got),? ?(?:\d+,?|\[|input \()"),
            Sign(r"shapes cannot be multiplied \((?P<have>\d+x\d+) and (?P<want>\d+x\d+)\)"),
            Sign(r"The size of tensor a (?:\(\d+\) )?must match", FAIR),
            Sign(r"expected stride to be a single integer value or a list of \d values to match the convolution"),
            Sign(r"[Tt]ensors must have (?:the )?same number of dimensions: got"),
            Sign(r"output with shape \[[\d, ]{0,40}\] doesn't match the broadcast shape"),
            Sign(r"Expected batch2_sizes\[0\] == bs"),
            Sign(r"batch1 and batch2 must have same number of batches"),
            Sign(r"\dD or \dD \(batch mode\) tensor expected for input"),
            Sign(r"inconsistent tensor size, expected (?:r_|t |tensor )"),
            Sign(r"number of sizes provided \(\d+\) must be greater or equal to the number of dimensions in the tensor"),
            Sign(r"Padding size should be less than the corresponding input dimension"),
            Sign(r"EinopsError: .{0,300}(?:Shape mismatch|shape)", FAIR),
            Sign(r"Error while processing (?:rearrange|reduce|repeat)\S{0,12} pattern"),
            Sign(r"Need input\.size\[1\] == \d+ but got \d+ instead"),
            Sign(r"maximum size for tensor at dimension \d is \d+ but size is \d+"),
            Sign(r"Given transposed=\d, weight of size"),
            Sign(r"Trying to create tensor with negative dimension", FAIR),
            Sign(r"mat1 dim 1 must match mat2 dim 0"),
            Sign(r"(?:mat1|self|m1|batch1|a) (?:and|must).{0,30}shapes? (?:cannot|can not) be multiplied"),
            Sign(r"expected input\[[\d, -]+\] to have (?P<want>\d+) channels, but got (?P<have>\d+) channels instead"),
            Sign(r"Given groups=\d+, weight of size \[?[\d, x]+\]?, expected input"),
            Sign(r"input\.size\(-1\) must be equal to input_size\. Expected (?P<want>\d+), got (?P<have>\d+)"),
            Sign(r"Given normalized_shape=\[(?P<want>[\d, ]+)\], expected input with shape"),
            Sign(r"running_(?:mean|var) should contain (?P<have>\d+) elements not (?P<want>\d+)"),
            Sign(
                r"Expected (?:\d-dimensional|\dD \(unbatched\) or \dD \(batched\)|\dD or \dD) input (?:for \d-dimensional|to "
                r"\w+|\(got)"
            ),
            Sign(r"expected \dD (?:or \dD )?input \(got \dD input\)"),
            Sign(r"The size of tensor a \((?P<have>\d+)\) must match the size of tensor b \((?P<want>\d+)\)"),
            Sign(r"The expanded size of the tensor \((?P<want>\d+)\) must match the existing size \((?P<have>\d+)\)"),
            Sign(r"shape '\[[\d, -]+\]' is invalid for input of size \d+"),
            Sign(r"Sizes of tensors must match except in dimension \d"),
            Sign(r"Expected size for first two dimensions of batch2 tensor to be"),
            Sign(r"Expected tensor to have size \d+ at dimension \d, but got size \d+"),
            Sign(r"einsum\(\): (?:operands do not broadcast|subscript \w has size \d+ for operand)"),
            Sign(r"was expecting embedding dimension of (?P<want>\d+), but got (?P<have>\d+)"),
            Sign(r"Kernel size can't be greater than actual input size"),
            Sign(r"Given input size: \([\dx ]+\)\. Calculated output size: \([\dx ]+\)\. Output size is too small"),
            Sign(r"Calculated padded input size per channel: \([\dx ]+\)\. Kernel size:"),
            Sign(r"\bmat1\b.{1,8}\bmat2\b.{1,30}\((?P<have>\d+x\d+) [^\d() ]{1,6} (?P<want>\d+x\d+)\)", FAIR),
            Sign(r"inconsistent tensor sizes?\b", FAIR),
            Sign(r"cannot be multiplied \(\d+x\d+ and \d+x\d+\)"),
        ),
        fixes=(
            Fix(
                "Set the layer to the data: in_features (input size, in_channels, hidden dimension) must be the last dimension of what "
                "arrives. Print x.shape before the failing layer; nn.LazyLinear finds in_features itself.",
                code="print(x.shape)\nself.fc = torch.nn.Linear(in_features=x.shape[-1], out_features=n)",
            ),
            Fix(
                "Or bring the data into the shape that the model was built for: feature columns, image size and channels, flatten with "
                "torch.flatten(x, 1), transpose or permute."
            ),
            Fix(
                "With loaded components (LoRA, text encoder, VAE, checkpoint): use the ones made for this model version; their "
                "dimensions must match."
            ),
        ),
        examples=(
            "    return F.linear(input, self.weight, self.bias)\nRuntimeError: mat1 and mat2 shapes cannot be multiplied (64x400 and "
            "256x10)",
            "RuntimeError: Given groups=1, weight of size [64, 3, 7, 7], expected input[16, 1, 224, 224] to have 3 channels, but got 1 "
            "channels instead",
            "RuntimeError: size mismatch, m1: [32 x 784], m2: [800 x 10] at /pytorch/aten/src/THC/generic/THCTensorMathBlas.cu:290",
            "RuntimeError: shape '[8, 128, 64]' is invalid for input of size 61440",
            "RuntimeError: The size of tensor a (77) must match the size of tensor b (154) at non-singleton dimension 1",
            "RuntimeError: Sizes of tensors must match except in dimension 1. Expected size 64 but got size 63 for tensor number 1 in the list.",
            "RuntimeError: output with shape [1, 28, 28] doesn't match the broadcast shape [3, 28, 28]",
            "RuntimeError: Tensors must have same number of dimensions: got 2 and 3",
            'einops.EinopsError: Error while processing rearrange-reduction pattern "b (h w) c -> b c h w". Input tensor shape: '
            "torch.Size([1, 77, 768]).",
            "RuntimeError: inconsistent tensor sizes at /pytorch/torch/lib/TH/generic/THTensorMath.c:2709",
        ),
        counterexamples=("ValueError: operands could not be broadcast together with shapes (3,) (4,)",),
    ),
)
