"""Errors of the backward pass."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_ANOMALY = Fix(
    do="To see which forward operation it is, run a step under anomaly detection (slow, for debugging only).",
    code="with torch.autograd.set_detect_anomaly(True):\n    loss.backward()",
)

TWICE = Cause(
    slug="backward-twice",
    title="backward() ran through a graph that an earlier backward() had already freed",
    why="backward() frees the saved tensors of the graph. Something computed before the loop (a hidden state, a loss term, a shared part "
    "of the "
    "forward pass) ties this step's graph to the one already used.",
    signs=(
        Sign(r"Trying to backward through the graph a second time"),
        Sign(r"saved (?:intermediate )?(?:values|variables|tensors) of the graph (?:are|have already been) freed", FAIR),
        Sign(r"buffers have already been freed"),
        Sign(r"Specify retain_graph=True (?:if you need to backward|when calling backward)", FAIR),
        Sign(r"access saved (?:tensors|variables) after they have already been freed"),
        Sign(r"backward through (?:the|this) graph (?:a second time|twice|again)", FAIR),
        Sign(r"graph .{0,30}a second time.{0,80}retain_graph=True", FAIR),
        Sign(r"retain_(?:graph|variables)=True when calling backward(?:\(\))? the first time"),
    ),
    fixes=(
        Fix(
            do="Recompute inside the loop whatever the loss depends on (forward pass included), so that each backward() has its own graph.",
            code="for x, y in loader:\n    loss = criterion(model(x), y)   # everything that needs a gradient is computed here\n    "
            "loss.backward()",
        ),
        Fix(
            do="Cut what is carried over from one step to the next: detach() hidden states, memories, running losses and the generator's "
            "output "
            "in the discriminator's step.",
            code="hidden = hidden.detach()\nd_loss = d(fake.detach())",
        ),
        Fix(
            do="If several losses share one forward pass, add them and call backward() once; retain_graph=True only if two passes are "
            "really meant."
        ),
    ),
    wrong_advice="retain_graph=True, which the message proposes, often only trades this error for growing memory or for an in-place error.",
    examples=(
        '  File "rnn.py", line 58, in <module>\n    loss.backward()\nRuntimeError: Trying to backward through the graph a second time '
        "(or directly "
        "access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call "
        ".backward()",
        "RuntimeError: Trying to backward through the graph a second time, but the buffers have already been freed. Specify "
        "retain_graph=True when "
        "calling backward the first time.",
    ),
    counterexamples=("backward pass took a second longer than before",),
)

INPLACE = Cause(
    slug="inplace-modified",
    title="A tensor that backward() still needs was changed in place",
    why="Autograd kept the tensor of the forward pass; an in-place operation (+=, *=, relu_(), x[i] = ..., inplace=True) or an "
    "optimizer.step() "
    "between two backward calls changed it, so its gradient could not be computed.",
    signs=(
        Sign(r"modified by an inplace operation"),
        Sign(r"needed for gradient computation has been modified"),
        Sign(r"is at version \d+; expected version \d+ instead"),
        # translated texts keep the name of the tensor and of the backward function
        Sign(r"\[torch\.(?:cuda\.)?\w+Tensor \[[\d, ]{0,60}\]\].{0,80}\b\w+Backward\d?\b", FAIR),
        Sign(r"has been modified by an in-?place"),
        Sign(r"detach(?:\(\) is not|_\(\) ).{0,80}view.{0,80}inplace", FAIR),
        Sign(r"This view .{0,160}(?:being|was|is) modified in-?place", FAIR),
        Sign(
            r"in-?place (?:operations?|modif\w+) .{0,60}(?:breaks?|destroy\w*|corrupt\w*) .{0,30}(?:gradient|autograd|graph)",
            FAIR,
            also=(r"Error",),
        ),
        Sign(r"\bbe(?:en)? changed in-?place.{0,60}(?:backward|gradient)", FAIR),
        Sign(r"is a view and (?:is being|its base or another view of its base has been) modified inplace"),
        Sign(r"Output \d+ of \w+ is a view and is being modified inplace"),
    ),
    fixes=(
        Fix(
            do="Use the out-of-place form: x = x * s instead of x *= s, torch.relu(x) instead of inplace=True, or write into a clone().",
            code="q = q * self.scaling        # instead of q *= self.scaling",
        ),
        Fix(
            do="With several losses or optimizers (GAN, actor-critic): compute all backward() calls first, then call the optimizer "
            "steps; or run the "
            "forward pass again after the first step.",
            code="g_loss.backward()\nd_loss.backward()\ng_opt.step()\nd_opt.step()",
        ),
        Fix(
            do="Under DistributedDataParallel with buffers (BatchNorm) and two forward passes before backward: broadcast_buffers=False.",
            code="DistributedDataParallel(model, device_ids=[local_rank], broadcast_buffers=False)",
            when="world_size>1",
        ),
        _ANOMALY,
    ),
    explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere"),
    examples=(
        "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[torch.FloatTensor [64, 10]], "
        "which is output 0 of ReluBackward0, is at version 1; expected version 0 instead.",
        "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation",
        "RuntimeError: Output 0 of SplitBackward is a view and is being modified inplace. This view is the output of a function that "
        "returns multiple "
        "views.",
    ),
    counterexamples=("FutureWarning: DataFrame.fillna with inplace operation is deprecated",),
)

LEAF = Cause(
    slug="leaf-inplace",
    title="A parameter (a leaf that requires grad) was written in place",
    why="Autograd forbids in-place writes to a leaf tensor that requires gradients, because it could not record them. Weight "
    "initialisation, "
    "clipping or an update by hand does that.",
    signs=(
        Sign(r"a leaf Variable that requires grad"),
        Sign(r"a view of a leaf Variable that requires grad is being used in an in-?place operation"),
        Sign(r"leaf Variable that requires grad (?:has been|is being) used in an in-?place operation"),
        Sign(r"a view of a leaf Variable", FAIR),
        Sign(r"leaf variable has been moved into the graph interior"),
        Sign(r"leaf (?:Variable|tensor) that requires[_ ]grad", FAIR, also=(r"Error",), near=160),
        Sign(r"used in an in-place operation\b", FAIR),
    ),
    fixes=(
        Fix(
            do="Wrap the write in torch.no_grad() (or use torch.nn.init), since it needs no gradient.",
            code="with torch.no_grad():\n    layer.bias[0] += 1.0",
        ),
        Fix(
            do="If it should be part of the graph, make it out of place: build a new tensor or write into weight.clone().",
            code="w = weight.clone()\nw[idx] = value",
        ),
        Fix(do="In old third-party code (YOLO bias initialisation) write to .data: b.data[:, 4] += ..., or use a newer release of it."),
    ),
    examples=(
        "    b[:, 4] += math.log(8 / (640 / s) ** 2)\nRuntimeError: a view of a leaf Variable that requires grad is being used in an "
        "in-place operation.",
        "RuntimeError: a leaf Variable that requires grad has been used in an in-place operation.",
        "RuntimeError: leaf variable has been moved into the graph interior",
    ),
    counterexamples=("UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed.",),
)

NO_GRAD = Cause(
    slug="no-grad",
    title="The loss is not connected to any parameter that requires a gradient",
    why="backward() found no graph: the parameters are frozen, the loss was computed under no_grad or from detached values, or gradient "
    "checkpointing got inputs without gradient because only adapters (LoRA) are trained.",
    signs=(
        Sign(r"element 0 of (?:tensors|variables) does not require grad"),
        Sign(r"does not require grad and does not have a grad_fn"),
        Sign(r"None of the inputs have requires_grad=True", FAIR, also=(r"Error",), near=3000),
        Sign(r"One of the differentiated Tensors does not require grad"),
        Sign(r"optimizer got an empty parameter list"),
        Sign(r"none of output has requires_grad=True, this checkpoint\(\) is not necessary"),
        Sign(r"this checkpoint\(\) is not necessary"),
        Sign(r"element \d+ of (?:tensors|variables) does not req"),
        Sign(r"there are no graph nodes that require computing gradients"),
        Sign(r"requires_grad\(False\).{0,40}grad_fn\(None\)", FAIR, also=(r"\bbackward\b",)),
        Sign(r"loss .{0,60}(?:does not|doesn't) (?:require|have) (?:a )?(?:grad|grad_fn)\b", FAIR, also=(r"Error",), near=300),
        Sign(
            r"(?:model|optimizer) .{0,30}(?:has|have|contains?|found|with) no (?:trainable|learnable) (?:parameters|weights)",
            FAIR,
            also=(r"Error",),
            near=300,
        ),
        Sign(r"No trainable parameters (?:found|in)", FAIR, also=(r"Error",), near=300),
        Sign(r"DeepSpeed.{0,60}optimizer.{0,40}no (?:trainable )?param", FAIR, also=(r"Error",)),
        # as the only thing of a run that shows no loss yet; beside a falling loss it harms nothing
        Sign(
            r"None of the inputs have requires_grad=True",
            unless=(r"\bloss\w{0,12}\W{1,4}\d", r"\bepoch:? [2-9]\b", r"Error", r"\b[1-9]\d*/\d+ \[\d+:\d+<"),
        ),
        Sign(r"requires_grad=True, this checkpoint\(\)"),
        Sign(r"none of output has requires_grad"),
    ),
    fixes=(
        Fix(
            do="With gradient checkpointing and LoRA or frozen embeddings: call model.enable_input_require_grads() before training, or use "
            'gradient_checkpointing_kwargs={{"use_reentrant": False}}.',
            code="model.enable_input_require_grads()\n"
            'model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={{"use_reentrant": False}})',
        ),
        Fix(
            do="Check that something is trainable: unfreeze parameters (requires_grad_(True)), see model.print_trainable_parameters() "
            "with PEFT.",
            code="print([n for n, p in model.named_parameters() if p.requires_grad][:5])",
        ),
        Fix(
            do="Check the way from the parameters to the loss: no torch.no_grad(), .detach(), .item(), .data, argmax or numpy in "
            "between, and model.train() "
            "inside torch.enable_grad().",
        ),
    ),
    explains=("user-error-in-rank", "peer-rank-died-elsewhere"),
    examples=(
        '  File "/opt/env/lib/python3.11/site-packages/torch/autograd/graph.py", line 769, in _engine_run_backward\n'
        "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",
        "ValueError: optimizer got an empty parameter list",
        "RuntimeError: none of output has requires_grad=True, this checkpoint() is not necessary",
        "RuntimeError: One of the differentiated Tensors does not require grad",
        "torch/utils/checkpoint.py:31: UserWarning: None of the inputs have requires_grad=True. Gradients will be None\nsteps: 0%| | 0/26880 [00:00<?, ?it/s]",
    ),
    counterexamples=("UserWarning: None of the inputs have requires_grad=True. Gradients will be None\n{'loss': 1.23, 'epoch': 0.1}",),
)

RECOMPUTE = Cause(
    slug="checkpoint-recompute-mismatch",
    title="Activation checkpointing recomputed other tensors than the forward pass had saved",
    why="Non-reentrant checkpointing runs the block again in backward and compares. With ZeRO-3 the parameters are partitioned (size 0) "
    "by then; a "
    "router, random choice, changed training mode, autocast or cache also gives other tensors.",
    signs=(
        Sign(r"Recomputed values for the following tensors have different metadata"),
        Sign(r"torch\.utils\.checkpoint: A different number of tensors was saved during the original forward and recomputation"),
        Sign(r"different number of tensors was saved during the original forward"),
        Sign(r"CheckpointError: torch\.utils\.checkpoint"),
        Sign(r"recomputed metadata: "),
        Sign(r"CheckpointError\b", FAIR, unless=(r"(?:load|sav|writ|read)\w* .{0,20}checkpoint",)),
        Sign(r"number of tensors saved during (?:forward|recomputation)", FAIR),
        Sign(r"torch\.utils\.checkpoint: (?:Unpack is being triggered|trying to save more tensors)"),
        ends_in("torch/utils/checkpoint.py", "check_recomputed_tensors_match"),
        Sign(r"Recomputed tensor size does not match", FAIR),
        Sign(r"\bsaved metadata: \{", FAIR),
        ends_in("torch/utils/checkpoint.py", "unpack_hook", code=r"(?:check_recomputed_tensors_match|raise CheckpointError)"),
    ),
    fixes=(
        Fix(
            do='With DeepSpeed ZeRO-3 use reentrant checkpointing: gradient_checkpointing_kwargs={{"use_reentrant": True}}.',
            code='TrainingArguments(..., gradient_checkpointing=True, gradient_checkpointing_kwargs={{"use_reentrant": True}})',
        ),
        Fix(
            do="Make the checkpointed block deterministic: keep routers, random choices and data-dependent branches out of it, "
            "use_cache=False, the same "
            "autocast and train mode in backward; or do not checkpoint that module.",
        ),
        Fix(
            do='If only metadata differ and you know it is harmless, checkpoint(..., determinism_check="none") skips the comparison.',
            code='torch.utils.checkpoint.checkpoint(fn, x, use_reentrant=False, determinism_check="none")',
        ),
    ),
    explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere", "user-error-in-rank"),
    examples=(
        "torch.utils.checkpoint.CheckpointError: torch.utils.checkpoint: Recomputed values for the following tensors have different "
        "metadata than "
        "during the forward pass.\ntensor at position 9:\nsaved metadata: {'shape': torch.Size([512]), 'dtype': torch.float16}",
        "torch.utils.checkpoint.CheckpointError: torch.utils.checkpoint: A different number of tensors was saved during the original "
        "forward and "
        "recomputation.\nNumber of tensors saved during forward: 41\nNumber of tensors saved during recomputation: 13",
        "tensor at position 4:\nsaved metadata: {'shape': torch.Size([1024]), 'dtype': torch.bfloat16, 'device': device(type='cuda', index=0)}",
        '  File "/opt/env/lib/python3.10/site-packages/torch/utils/checkpoint.py", line 1129, in unpack_hook\n    frame.check_recomputed_tensors_match(gid)',
    ),
    counterexamples=("Saving model checkpoint to out/checkpoint-500",),
)

DOUBLE_BACKWARD = Cause(
    slug="double-backward-unsupported",
    title="A second derivative was asked of an operation that has none",
    why="create_graph=True (gradient penalties, forces from energies) needs the derivative of each backward function; fused kernels such "
    "as flash "
    "attention, cuDNN RNNs or a once_differentiable function have none.",
    signs=(
        Sign(r"derivative for \S{1,80} is not implemented"),
        Sign(r"trying to differentiate twice a function that was marked with @once_differentiable"),
        Sign(r"cudnn RNN backward can only be called in train(?:ing)? mode"),
        Sign(r"(?:LSTM|GRU|RNN) backward can only be called in train(?:ing)? mode", FAIR),
        Sign(r"derivative for .{1,60} not implemented", FAIR, also=(r"Error",), near=160),
        Sign(r"[Dd]ouble[- ]backwards? (?:is |through )?.{0,40}not (?:yet )?(?:supported|implemented)", FAIR),
        Sign(r"does not support (?:double|second)[- ](?:backward|order|derivative)", FAIR),
        Sign(r"torch\.compile with aot_autograd does not currently support double backward"),
        Sign(r"Double backwards is not supported for CuDNN RNNs"),
    ),
    fixes=(
        Fix(
            do='Use an implementation with a second derivative: the math backend of attention, attn_implementation="eager", or cuDNN off '
            "for the RNN.",
            code="with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):\n    out = model(x)",
        ),
        Fix(do="For an RNN evaluated with gradients, call model.train() or torch.backends.cudnn.flags(enabled=False) around it."),
    ),
    examples=(
        "RuntimeError: derivative for aten::_scaled_dot_product_efficient_attention_backward is not implemented",
        "RuntimeError: trying to differentiate twice a function that was marked with @once_differentiable",
        "RuntimeError: torch.compile with aot_autograd does not currently support double backward",
    ),
    counterexamples=("NotImplementedError: this view is not implemented",),
)

CAUSES = (TWICE, INPLACE, LEAF, NO_GRAD, RECOMPUTE, DOUBLE_BACKWARD)
