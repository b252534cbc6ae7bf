"""NaN and inf, loss scaling, and statistics of too few values."""

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

NAN = Cause(
    slug="nan-loss",
    title="NaN or inf arises in the forward or backward pass",
    why="A division by zero, log or sqrt of 0, an overflow of float16, a learning rate that is too high, or bad input data gives NaN or "
    "inf, and "
    "everything computed from it is NaN too.",
    signs=(
        Sign(r"Function '\w+' returned nan values in its \d+(?:th|st|nd|rd) output"),
        Sign(r"returned nan values in its"),
        Sign(
            r"\bloss(?:es)? (?:is|are|was|became|becomes|went|=|:) ?(?:to )?(?:nan|inf|infinite|not finite|non-?finite)\b.{0,40}\b(?:stop|exit|abort|terminat|quit|end)",
            STRONG,
        ),
        Sign(
            r"Error: (?:The )?(?:train(?:ing)? )?loss(?:es)? (?:is|are|=|became|went) ?(?:to )?(?:nan|inf|infinite|not finite|non-?finite)\b",
            STRONG,
        ),
        Sign(
            r"\b(?:nan|inf|non-?finite) (?:or (?:nan|inf) )?(?:train(?:ing)? )?loss(?:es)?\b",
            FAIR,
            also=(r"Error|Exception|abort|stopp",),
            near=160,
        ),
        Sign(r"found (?:nan|inf)(?: or (?:nan|inf))? in local (?:forward loss|grad norm)"),
        Sign(r"Unexpected result (?:nan|inf) \(message="),
        Sign(r"number of nan iterations: {1,4}[1-9]", FAIR),
        Sign(
            r"ZeroDivisionError: float division by zero",
            FAIR,
            also=(r"apex[/\\]amp[/\\](?:scaler|_process_optimizer|handle)\.py",),
            near=900,
        ),
        Sign(r"NaN or Inf found in input tensor", FAIR),
        Sign(r"Moving average ignored a value of nan", FAIR),
        Sign(r"parameter \w+ has invalid values", FAIR, also=(r"torch[/\\]distributions[/\\]|distribution",), near=900),
        Sign(r"matrix contains invalid numeric entries", FAIR, also=(r"linear_sum_assignment|matcher|torch",)),
        Sign(r"\bavr_loss[=:] ?nan\b", FAIR),
        Sign(r"\d(?:\.\d+)?G {1,12}nan {1,12}nan {1,12}nan\b", FAIR),
        Sign(r"'loss': '?0\.0'?, 'grad_norm': '?nan.{0,1000}'loss': '?0\.0'?, 'grad_norm': '?nan", FAIR),
        Sign(r"FloatingPointError: Loss became infinite or NaN"),
        Sign(r"FloatingPointError: .{0,120}(?:nan|inf|Minimum loss scale reached)", FAIR),
        Sign(r"Minimum loss scale reached \([\d.e-]+\)"),
        Sign(r"Current loss scale already at minimum - cannot decrease scale anymore"),
        Sign(r"The total norm of order \S+ for gradients from `?parameters`? is non-finite"),
        Sign(r"The loss returned in `?training_step`? is (?:nan|inf)"),
        Sign(r"Detected nan and/or inf values in"),
        Sign(r"found NaN in local grad norm"),
        Sign(r"Model diverged with loss = ?nan", FAIR),
        Sign(r"Invalid loss, terminating training"),
        Sign(r"Gradient overflow\. Skipping step, loss scaler \d+ reducing loss scale to (?:[0-9.]+e-\d+|0\.0)", FAIR),
        Sign(r"loss became (?:nan|inf)", FAIR),
        Sign(r"\bnan loss (?:detected|encountered|found)", FAIR),
        Sign(
            r"Expected parameter \w+ \(.{0,80}\) of distribution \w+.{0,200}to satisfy the constraint .{0,200}but found invalid values",
            STRONG,
        ),
        Sign(r"\b(?:train_)?loss\w{0,24}['\"]?[:=] ?['\"]?nan\b.{0,2000}\bloss\w{0,24}['\"]?[:=] ?['\"]?nan\b", FAIR),
        Sign(r"'grad_norm': '?(?:nan|inf)", WEAK),
        Sign(
            r"\bdetected in \w+Backward\d?\. Traceback of",
            unless=(r"modified by an in-?place", r"\w(?:Error|Exception): (?!Function)"),
        ),
        Sign(r"\b(?:total|step|train|training|avg|mean)[_ ]?loss.{0,2}[:=] ?nan\b", FAIR),
        Sign(r"OVERFLOW! .{0,40}loss scale: .{0,30}reducing to (?:0(?:\.\d+)?|1)\b", FAIR),
        Sign(r"Function '\w+Backward\d?' returned nan"),
        Sign(r"values in its \d+(?:th|st|nd|rd) output", FAIR),
        ends_in("fp16/loss_scaler.py", "update_scale", code=r"raise Exception"),
        ends_in("fairseq/optim/dynamic_loss_scaler.py", "check_overflow", code=r"raise FloatingPointError"),
        ends_in("detectron2/engine/train_loop.py", "_?write_metrics", code=r"raise FloatingPointError"),
        ends_in("torch/distributions/distribution.py", "__init__", code=r"raise ValueError"),
        ends_in("torch/nn/utils/clip_grad.py", "\\w+", code=r"raise RuntimeError"),
    ),
    unless=(r"probability tensor contains either",),
    fixes=(
        Fix(
            do="Find the operation: torch.autograd.set_detect_anomaly(True) shows the forward line; then make it safe with an epsilon "
            "(eps) in "
            "divisions, log and sqrt, or a clamp.",
            code="with torch.autograd.set_detect_anomaly(True):\n    loss = model(x).loss\n    loss.backward()",
        ),
        Fix(
            do="Lower the learning rate, add warm-up and clip the gradients.",
            code="torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        ),
        Fix(
            do="Use bfloat16 or float32 instead of float16 for the part that overflows (bf16=True where the GPU has it).",
            code='with torch.autocast("cuda", dtype=torch.bfloat16):\n    loss = model(x)',
        ),
        Fix(do="Check the data for NaN, inf and empty targets before the model: torch.isfinite(x).all()."),
    ),
    examples=(
        "RuntimeError: Function 'LogBackward0' returned nan values in its 0th output.",
        "Epoch 3 step 210\nLoss is nan, stopping training",
        "{'loss': nan, 'learning_rate': 2e-05}\n{'loss': nan, 'learning_rate': 1.9e-05}",
        "CRITICAL train.py: 77: Loss is NaN, exiting...",
        "AssertionError: Loss is nan",
        "RuntimeError: Rank 0: found NaN in local forward loss calculation",
        "{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 2e-05}\n{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 1.9e-05}",
        "Exception: Current loss scale already at minimum - cannot decrease scale anymore. Exiting run.",
        "ValueError: Expected parameter loc (Tensor of shape (64, 4)) of distribution Normal(loc: torch.Size([64, 4]), scale: "
        "torch.Size([64, 4])) to "
        "satisfy the constraint Real(), but found invalid values:\ntensor([[nan, nan, nan, nan]])",
        'Warning: Error detected in DivBackward0. Traceback of forward call that caused the error:\n  File "second.py", line 9, in loss_of',
        "Steps:   1%| 11/2000 [00:26<1:01:23, lr=0.0001, step_loss=nan]",
        '  File "/opt/env/lib/python3.10/site-packages/torch/distributions/distribution.py", line 68, in __init__\n    raise ValueError(',
        '  File "/opt/env/lib/python3.10/site-packages/deepspeed/runtime/fp16/loss_scaler.py", line 175, in update_scale\n    raise Exception(',
    ),
    counterexamples=(
        "epoch 2 loss=0.311 nan_rows=0 skipped",
        "warning: 3 rows with NaN were dropped",
        "ValueError: Input X contains NaN.",
        "Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 16384.0\nEpoch 1 loss: 0.41",
        "iteration 10/ 100 | lm loss: 2.1E+00 | loss scale: 1.0 | number of skipped iterations: 0 | number of nan iterations: 0 |",
    ),
)

NO_INF_CHECKS = Cause(
    slug="gradscaler-no-inf-checks",
    title="GradScaler.step() found no gradient in the optimizer's parameters",
    why="The scaler records a check for each gradient when it unscales. No parameter of this optimizer had a gradient: backward() was "
    "skipped or did "
    "not reach them, they are frozen, or the optimizer holds other parameters than the model.",
    signs=(
        Sign(r"No inf checks were recorded for this optimizer"),
        Sign(r"No inf checks were recorded prior to update"),
        Sign(r"inf checks were recorded"),
        # the line of the source that asserts it, as a traceback shows it (escaped for HTML at times)
        Sign(
            r"optimizer_state\[(?:\"|'|&quot;)found_inf_per_device(?:\"|'|&quot;)\]\) ?(?:>|&gt;) ?0",
            FAIR,
            unless=(r"Attempting to unscale|FP16 gradients|out of memory",),
        ),
        Sign(r"Attempted (?:step|unscale_|update)\(?\)? but _scale is None"),
        Sign(r"No inf checks were\b", FAIR),
    ),
    fixes=(
        Fix(
            do="Make sure that the parameters receive gradients: call scaler.scale(loss).backward() before scaler.step(), and skip the "
            "step for a batch whose loss is constant, zero or "
            "NaN (no grad).",
            code="if loss.requires_grad and torch.isfinite(loss):\n    scaler.scale(loss).backward()\n    scaler.step(optimizer)\n    "
            "scaler.update()",
        ),
        Fix(
            do="Give the optimizer the parameters that are trained: build it after the model is on its device and wrapped, and check "
            "requires_grad.",
            code="optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)",
        ),
    ),
    explains=("peer-rank-died-elsewhere",),
    examples=(
        '  File "/opt/env/lib/python3.9/site-packages/torch/cuda/amp/grad_scaler.py", line 368, in step\n'
        '    assert len(optimizer_state["found_inf_per_device"]) > 0, "No inf checks were recorded for this optimizer."\n'
        "AssertionError: No inf checks were recorded for this optimizer.",
        "AssertionError: No inf checks were recorded prior to update.",
    ),
    counterexamples=("AssertionError: no checks were recorded",),
)

SCALER_ORDER = Cause(
    slug="gradscaler-call-order",
    title="GradScaler's unscale_, step and update were called in a wrong order",
    why="Within one update() each optimizer may be unscaled and stepped once, in that order.",
    signs=(
        Sign(r"unscale_\(\) has already been called on this optimizer since the last update\(\)"),
        Sign(r"unscale_\(\) is being called after step\(\)"),
        Sign(r"has already been called (?:on this optimizer )?since the last update", FAIR),
        Sign(r"step\(\) has already been called since the last update\(\)"),
        Sign(r"unscale_?\(\) has already been called"),
        ends_in("amp/grad_scaler.py", "unscale_", code=r"raise RuntimeError"),
    ),
    fixes=(
        Fix(
            do="Per iteration: scale(loss).backward(), then unscale_(optimizer) once (only if you clip), step(optimizer) once, update() "
            "once.",
            code="scaler.scale(loss).backward()\nscaler.unscale_(optimizer)\nclip_grad_norm_(model.parameters(), "
            "1.0)\nscaler.step(optimizer)\n"
            "scaler.update()",
        ),
        Fix(
            do="With gradient accumulation do these calls only in the iteration that steps; with accelerate call "
            "accelerator.clip_grad_norm_ under "
            "if accelerator.sync_gradients."
        ),
    ),
    examples=(
        "RuntimeError: unscale_() has already been called on this optimizer since the last update().",
        "RuntimeError: unscale() has already been called on this optimizer this iteration.",
        '  File "/opt/env/lib/python3.9/site-packages/torch/amp/grad_scaler.py", line 279, in unscale_\n    raise RuntimeError(',
    ),
    counterexamples=("UserWarning: Detected call of `lr_scheduler.step()` before `optimizer.step()`.",),
)

BATCHNORM = Cause(
    slug="batchnorm-single-sample",
    title="BatchNorm in training mode got a single value per channel",
    why="With one sample (and a 1x1 feature map) there is no variance to normalise with, so BatchNorm refuses. Usually the last, "
    "incomplete batch or "
    "a batch size of 1 per GPU.",
    signs=(
        Sign(r"Expected more than 1 value per channel when training"),
        Sign(r"Expected more than 1 spatial element when training"),
        Sign(r"more than 1 value per channel"),
        Sign(r"more than 1 spatial element"),
        Sign(r"Expected more than 1 (?:value|spatial|element)"),
        ends_in("torch/nn/functional.py", "_verify_batch_size"),
        Sign(r"when training, got input size"),
        Sign(r"\b1 value per channel\b"),
    ),
    fixes=(
        Fix(
            do="Use a batch size above 1 on every GPU and drop_last=True in the DataLoader, so that no batch of one sample is left over.",
            code="DataLoader(dataset, batch_size=8, shuffle=True, drop_last=True)",
        ),
        Fix(do="For evaluation or inference call model.eval() first."),
        Fix(do="If batches of one sample are needed, freeze BatchNorm (eval() of these layers) or use GroupNorm/LayerNorm."),
    ),
    explains=("peer-rank-died-elsewhere", "user-error-in-rank"),
    examples=(
        "ValueError: Expected more than 1 value per channel when training, got input size torch.Size([1, 256, 1, 1])",
        "ValueError: Expected more than 1 spatial element when training, got input size torch.Size([1, 512, 1, 1])",
    ),
    counterexamples=("ValueError: expected 4D input (got 3D input)",),
)

CAUSES = (NAN, NO_INF_CHECKS, SCALER_ORDER, BATCHNORM)
