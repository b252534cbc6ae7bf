"""DeepSpeed and ZeRO: optimizers, accumulation, parameters in flight."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="deepspeed-no-sync",
        title="no_sync() was used with ZeRO stage 2 or 3",
        why="From stage 2 on the gradients are partitioned during each backward pass, so their synchronisation cannot be skipped as "
        "accelerator.accumulate or no_sync() try to do.",
        signs=(
            Sign(r"no_?sync context manager is incompatible with gradient partitioning logic of ZeRO"),
            Sign(r"inside no_sync context manager"),
            Sign(r"no_sync context manager reentry is unsupported"),
        ),
        fixes=(
            Fix(
                do="Let DeepSpeed accumulate: set gradient_accumulation_steps in its config and do not call no_sync(); update "
                "accelerate/transformers, or use ZeRO stage 1."
            ),
        ),
        examples=("AssertionError: no_sync context manager is incompatible with gradient partitioning logic of ZeRO stage 2",),
        counterexamples=("model.no_sync() entered",),
    ),
    Cause(
        slug="deepspeed-zero-needs-optimizer",
        title="ZeRO stage {stage|2 or 3} was configured without an optimizer",
        why="ZeRO partitions optimizer states. deepspeed.initialize got a config with a ZeRO stage but neither an optimizer object nor an "
        "optimizer section.",
        signs=(
            Sign(r"zero stage (?P<stage>\d) requires an optimizer"),
            Sign(r"create a .{0,3}DummyOptim.{0,3} without specifying an optimizer"),
        ),
        fixes=(
            Fix(
                do='Give deepspeed.initialize an optimizer (or an "optimizer" section in the config); for models that are not trained, '
                "such as a reference or teacher model, use stage 0, or stage 3 for inference only.",
                code="engine, optimizer, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)",
            ),
        ),
        examples=(
            "AssertionError: zero stage 2 requires an optimizer",
            "ValueError: You cannot create a `DummyOptim` without specifying an optimizer in the config file.",
        ),
        counterexamples=("ZeRO stage 2 enabled",),
    ),
    Cause(
        slug="deepspeed-untested-optimizer",
        title="DeepSpeed does not accept this optimizer with ZeRO without being told to",
        why="ZeRO is tested with Adam, AdamW and a few others. For any other optimizer it asks for a setting that says you know.",
        signs=(
            Sign(r"You are using an untested ZeRO Optimizer"),
            Sign(r"using ZeRO-Offload with a client provided optimizer"),
            Sign(r"zero_force_ds_cpu_optimizer", FAIR),
        ),
        fixes=(
            Fix(
                do='Add "zero_allow_untested_optimizer": true to the DeepSpeed config, or use AdamW.',
                code='{{"zero_allow_untested_optimizer": true}}',
            ),
            Fix(
                do='With ZeRO-Offload (optimizer on the CPU) use deepspeed.ops.adam.DeepSpeedCPUAdam or an optimizer section in the config; to keep your own, set "zero_force_ds_cpu_optimizer": false.',
                code='{{"zero_force_ds_cpu_optimizer": false}}',
            ),
        ),
        examples=(
            'AssertionError: You are using an untested ZeRO Optimizer. Please add <"zero_allow_untested_optimizer": true> in the '
            "configuration file to use it.",
            "ZeRORuntimeException: You are using ZeRO-Offload with a client provided optimizer (<class 'torch.optim.adamw.AdamW'>) which in most cases will yield poor performance. Please either use deepspeed.ops.adam.DeepSpeedCPUAdam or set an optimizer in your ds-config",
        ),
        counterexamples=("**** You are using ZeRO with an untested optimizer, proceed with caution *****",),
    ),
    Cause(
        slug="deepspeed-zero3-inflight",
        title="ZeRO-3 expected another order of submodules: a parameter is still in flight",
        why="ZeRO-3 fetches parameters ahead, in the order it recorded in the first steps. A model whose path depends on the data "
        "(mixture of experts, skipped branches, generation within training) breaks that order.",
        signs=(
            Sign(r"ZeroParamStatus\.INFLIGHT", FAIR),
            Sign(r"['\"]status['\"]: ['\"]INFLIGHT['\"]"),
            Sign(r"Invalidate trace cache @ step \d+", FAIR, also=(r"AssertionError",), near=2000),
            Sign(r"expected (?:there to be )?(?:only )?.{0,40}params? (?:to be )?(?:in flight|inflight)", FAIR),
            Sign(r"still have inflight params"),
            Sign(r"expected the next \d+ parameters in the parameter fetch queue"),
            Sign(r"['\"]status['\"]: ['\"]NOT_AVAILABLE['\"]", FAIR, also=(r"AssertionError",)),
        ),
        fixes=(
            Fix(
                do="Tell ZeRO-3 to treat modules with a data-dependent path as one unit: deepspeed.utils.set_z3_leaf_modules(model, "
                "[MoeBlock]).",
                code="deepspeed.utils.set_z3_leaf_modules(model, [MixtralSparseMoeBlock])",
            ),
            Fix(
                do="Or use ZeRO stage 2, or set stage3_prefetch_bucket_size to 0, and upgrade deepspeed.",
                code='{{"zero_optimization": {{"stage": 3, "stage3_prefetch_bucket_size": 0}}}}',
            ),
        ),
        examples=(
            "AssertionError: {'id': 291, 'status': 'INFLIGHT', 'numel': 0, 'ds_numel': 4096}",
            "RuntimeError: still have inflight params [{'id': 'name=model.layers.7.mlp', 'status': 'AVAILABLE'}]",
            "RuntimeError: tracing error at step 17: module id: 88, expected the next 2 parameters in the parameter fetch queue to be",
        ),
        counterexamples=("Invalidate trace cache @ step 0 and module 42: cache has only 0 modules\nstep 10 loss 1.9",),
    ),
    Cause(
        slug="fsdp-parameter-used-outside-forward",
        title="A sharded parameter was used while its data was not gathered",
        why="FSDP keeps each parameter gathered only during the forward and backward of its unit. Using a weight outside of it (calling a "
        "submodule directly, generate() on a part, tied weights in different units) finds an empty storage.",
        signs=(
            Sign(r"setStorage: sizes \[[\d, ]{1,60}\].{0,160}are out of bounds for storage of size 0"),
            Sign(r"tensor has a non-zero number of elements, but its data is not allocated yet", FAIR, also=(r"fsdp|FSDP|FullySharded",)),
            Sign(r"_is_root.{0,3} should not have been set yet"),
        ),
        fixes=(
            Fix(
                do="Call the wrapped model (or the wrapped unit) itself, not a submodule or weight inside it; for access outside of "
                "forward use FSDP.summon_full_params(model), also around generate().",
                code="with FSDP.summon_full_params(model, writeback=False, recurse=False):\n    out = model.generate(**inputs)",
            ),
            Fix(do="Keep modules that share weights in the same FSDP unit, and wrap by transformer block with an auto_wrap_policy."),
        ),
        examples=(
            "RuntimeError: setStorage: sizes [4096, 4096], strides [1, 4096], storage offset 0, and itemsize 2 requiring a storage size "
            "of 33554432 are out of bounds for storage of size 0",
            "AssertionError: Non-root FSDP instance's `_is_root` should not have been set yet or should have been set to `False`",
        ),
        counterexamples=("RuntimeError: The size of tensor a (4) must match the size of tensor b (3)",),
    ),
)
