"""Saved optimizer state that does not fit the optimizer."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="optimizer-state-mismatch",
        title="The saved optimizer state has other parameter groups than the optimizer it is loaded into",
        why="Optimizer state is stored by position. The new optimizer was built over other parameters (frozen layers, a new head, "
        "LoRA, another grouping or another optimizer).",
        signs=(
            Sign(
                r"loaded state dict (?:contains a parameter group that doesn't match the size of optimizer's group|has a different "
                r"number of parameter groups)"
            ),
            Sign(r"parameter group that doesn't match the size of optimizer's group"),
            ends_in("torch/optim/optimizer.py", "load_state_dict", code=r"raise ValueError\("),
            Sign(r"torch[/\\]optim[/\\]\w{2,20}\.py.{0,700}The size of tensor a \(\d+\) must match"),
            Sign(
                r"KeyError: '(?:exp_avg|exp_avg_sq|max_exp_avg_sq|betas|momentum_buffer|square_avg|amsgrad|foreach|differentiable|capturable|maximize|fused)'",
                also=(r"torch[/\\]optim[/\\]|load_state_dict\(|optimizer\.step",),
            ),
            Sign(r"KeyError: '(?:param_groups|optimizer_states)'", FAIR),
            Sign(r"expected \d+ param(?:eter)?[ _]groups", FAIR),
            Sign(r"param(?:eter)?[ _]groups? .{0,40}(?:mismatch|(?:do|does|did)(?: not|n't) match)", FAIR),
        ),
        fixes=(
            Fix(
                "Build the optimizer in the same way as when it was saved before loading: the same parameters, in the same groups and "
                "order (freeze and add layers first)."
            ),
            Fix(
                "Or do not load its state: load only the model's weights and start with a fresh optimizer (drop "
                "optimizer.load_state_dict, or resume without optimizer.pt).",
            ),
        ),
        refines=("shape-mismatch",),
        examples=(
            '    self.optimizer.load_state_dict(ckpt["optim"])\nValueError: loaded state dict contains a parameter group that '
            "doesn't match the size of optimizer's group",
            '  File "/opt/venv/lib/python3.9/site-packages/torch/optim/adam.py", line 92, in adam\n    exp_avg.mul_(beta1).add_(grad, alpha=1 - beta1)\n'
            "RuntimeError: The size of tensor a (64) must match the size of tensor b (128) at non-singleton dimension 0",
        ),
        counterexamples=("RuntimeError: Error(s) in loading state_dict for Net",),
    ),
)
