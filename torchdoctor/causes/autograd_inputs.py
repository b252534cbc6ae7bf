"""Calls of autograd with tensors that cannot have the gradient asked for."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

NON_SCALAR = Cause(
    slug="backward-non-scalar",
    title="backward() was called on a tensor with more than one element",
    why='Without a gradient argument backward() needs a scalar. A loss with reduction="none", or the losses of several GPUs gathered by '
    "DataParallel, is a vector.",
    signs=(
        Sign(r"grad can be implicitly created only for"),
        Sign(r"backward should be called only on a scalar", FAIR),
        Sign(r"grad must be specified (?:for|unless) .{0,40}scalar", FAIR),
        Sign(r"can be implicitly created only for (?:real )?scalar", FAIR),
        ends_in("torch/autograd/__init__.py", "_make_grads", code=r"raise RuntimeError"),
    ),
    fixes=(
        Fix(do="Reduce the loss to one number first: loss.mean() (or sum()).", code="loss = loss.mean()\nloss.backward()"),
        Fix(do="Or pass the gradient: loss.backward(torch.ones_like(loss))."),
    ),
    examples=(
        "RuntimeError: grad can be implicitly created only for scalar outputs",
        '  File "/opt/env/lib/python3.9/site-packages/torch/autograd/__init__.py", line 117, in _make_grads\n    raise RuntimeError(',
    ),
    counterexamples=("TypeError: only integer scalar arrays can be converted to a scalar index",),
)

UNUSED = Cause(
    slug="grad-of-unused-tensor",
    title="The gradient of a tensor was asked for that took no part in the result",
    why="torch.autograd.grad found no path from the output to one of the inputs: it was not used, or was replaced by a copy (a view, a "
    "detach, a cast) on the way.",
    signs=(
        Sign(r"One of the differentiated (?:Tensors|Variables) appears to not have been used"),
        Sign(r"Set allow_unused=True if this is the desired behavior", FAIR),
        Sign(r"differentiated input is unreachable"),
    ),
    fixes=(
        Fix(
            do="Compute the output from that very tensor, after requires_grad_(True) was set on it.",
            code="x = x.requires_grad_(True)\ny = model(x)\ng, = torch.autograd.grad(y.sum(), x)",
        ),
        Fix(do="If it may be unused, pass allow_unused=True and expect None."),
    ),
    examples=(
        "RuntimeError: One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is "
        "the desired behavior.",
    ),
    counterexamples=("UserWarning: unused variable in graph",),
)

INTEGER = Cause(
    slug="integer-requires-grad",
    title="A gradient was asked for a tensor of integers",
    why="Only floating point and complex tensors can have gradients. Weights quantized to int8 or 4 bit, or a long tensor made a "
    "Parameter, cannot.",
    signs=(
        Sign(r"Only Tensors of floating point (?:and complex )?dtype can require grad"),
        Sign(r"only (?:Tensors of )?floating[- ]point (?:and complex )?(?:dtypes?|types?|Tensors|Variables) (?:can|may) require grad"),
        Sign(r"Unsupported: requires_grad.{0,40}integer", FAIR),
    ),
    fixes=(
        Fix(do="Convert it with .float() if it is to be trained; otherwise Parameter(..., requires_grad=False) or register_buffer."),
        Fix(do="For a quantized model train adapters (LoRA) and leave the quantized weights frozen."),
    ),
    examples=("RuntimeError: Only Tensors of floating point and complex dtype can require gradients",),
    counterexamples=("RuntimeError: expected scalar type Long but found Float",),
)

INFERENCE = Cause(
    slug="inference-tensor-in-autograd",
    title="A tensor made under inference_mode is used where gradients are recorded",
    why="Tensors created inside torch.inference_mode() can never take part in autograd. Cached values (rotary tables, KV caches) made in "
    "an evaluation step do that in training.",
    signs=(
        Sign(r"Inference tensors cannot be saved for backward"),
        Sign(r"Inplace update to inference tensor outside InferenceMode", FAIR),
        Sign(r"Setting requires_grad=True on inference tensor"),
        Sign(r"[Ii]nference tensors? (?:cannot|can't|do not|does not) (?:be saved|track|require|participate)"),
        Sign(r"inference tensor outside (?:of )?InferenceMode", FAIR),
        Sign(r"RuntimeError: .{0,40}Inference tensors", FAIR),
        Sign(r"A view was created in inference mode and is being modified inplace in normal mode"),
    ),
    fixes=(
        Fix(
            do="Use torch.no_grad() instead of inference_mode() where the tensor is made, or clone() it outside.",
            code="with torch.no_grad():\n    cache = make_cache()",
        ),
        Fix(do="With Lightning: Trainer(inference_mode=False)."),
    ),
    examples=(
        "RuntimeError: Inference tensors cannot be saved for backward. To work around you can make a clone to get a normal tensor and "
        "use it in autograd.",
        "RuntimeError: Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor "
        "before doing inplace update.",
        "RuntimeError: Inference tensors do not track version counter.",
    ),
    counterexamples=("model in inference mode",),
)

CAUSES = (NON_SCALAR, UNUSED, INTEGER, INFERENCE)
