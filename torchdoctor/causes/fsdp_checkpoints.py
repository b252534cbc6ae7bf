"""Checkpoints of sharded training: another layout or another number of ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign


def _flat_sizes(groups: Mapping[str, str], _: Any) -> bool:
    """Lengths of flattened shards, not of a batch or a layer."""
    return min(int(groups["one"]), int(groups["two"])) > 100_000


CAUSES = (
    Cause(
        slug="fsdp-state-dict-mismatch",
        title="A state dict of another layout was loaded into the FSDP model",
        why="FSDP has full, sharded and local state dicts, with other names and shapes each. A full checkpoint loaded into a wrapped "
        "model under the sharded or local type (or the reverse, or with another world size) does not fit.",
        signs=(
            Sign(r"loading state_dict for (?P<wrapper>FullyShardedDataParallel|FlattenParamsWrapper|FSDP\w*|FlatParameter)"),
            Sign(r"(?:Missing|Unexpected) key\(s\) in state_dict: .{0,200}_(?:fsdp_wrapped_module|fpw_module|flat_param)"),
            Sign(r"_flat_param.{0,300}size mismatch for"),
            Sign(
                r"size mismatch for .{0,120}copying a param with shape torch\.Size\(\[[\d, ]{1,40}\]\) from checkpoint, the shape in "
                r"current model is torch\.Size\(\[0\]\)",
                FAIR,
                also=(r"[Ff]ully_?[Ss]harded|FSDP|fsdp",),
            ),
            Sign(r"FSDP assumes .{0,200}is in the state_dict but the state_dict only has"),
            Sign(r"(?:``)?(?:sharded|local)_state_dict(?:``)? can only be used when parameters are flatten(?:ed)? and sharded"),
            Sign(r"load_sharded_state_dict can only be called when parameters"),
            Sign(r"_load_(?:local|sharded)_state_dict.{0,300}Error", FAIR),
            Sign(r"Expects 0 or 1 shard per rank but got \d+ shards"),
            Sign(r"No `?FlatParameter`? in `?state_dict`? for this FSDP instance"),
            Sign(r"Only Sharded(?:Tensor|StateDict).{0,80}(?:expected|supported)", FAIR),
            Sign(r"Size mismatch between saved torch\.Size\(\[[\d, ]{0,60}\]\) and current"),
            Sign(r"Missing key in checkpoint state_dict: ", FAIR),
            Sign(
                r"[\w.]{0,120}_flat_param\b",
                FAIR,
                also=(r"not used by the model|not found in the (?:checkpoint|model)|Missing key|Unexpected key|KeyError",),
                near=3000,
            ),
            Sign(
                r"size of tensor a \((?P<one>\d+)\) must match the size of tensor b \((?P<two>\d+)\) at non-singleton dimension 0",
                FAIR,
                also=(r"fsdp|FullySharded|fully_shard", r"resum|checkpoint|ckpt|load_state_dict|world[ _]size"),
                test=_flat_sizes,
            ),
            Sign(r"load_(?:local|sharded)_state_dict.{0,800}(?:Error\(s\) in loading|size mismatch for)"),
            Sign(r"used a DP world size of \d+ but the current world size is"),
        ),
        fixes=(
            Fix(
                do="Load a full state dict before wrapping the model in FSDP, on the unwrapped module.",
                code='model.load_state_dict(torch.load("model.pt", map_location="cpu"))\nmodel = FSDP(model)',
            ),
            Fix(
                do="Or load it in the type it was saved in: FSDP.state_dict_type(model, StateDictType.FULL_STATE_DICT) (or "
                "SHARDED_STATE_DICT with the same world size) around load_state_dict; torch.distributed.checkpoint reshards between "
                "world sizes.",
                code="with FSDP.state_dict_type(model, StateDictType.FULL_STATE_DICT):\n    model.load_state_dict(full_state)",
            ),
            Fix(
                do="Resume with the same number of GPUs (world size) and the same sharding (FSDP, tensor and pipeline parallel) settings as when it was saved, or first consolidate the shards into one full state dict (torch.distributed.checkpoint.format_utils dcp_to_torch_save, DeepSpeed: zero_to_fp32.py, or the universal checkpoint)."
            ),
        ),
        refines=(
            "state-dict-mismatch",
            "shape-mismatch",
        ),
        explains=("mp-spawn-wrapper", "nccl-watchdog-abort", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: Error(s) in loading state_dict for FullyShardedDataParallel:\n\tMissing key(s) in state_dict: "
            '"_fsdp_wrapped_module._flat_param".',
            'Unexpected key(s) in state_dict: "_fsdp_wrapped_module.layers.0.weight", "_fsdp_wrapped_module.layers.1.weight".',
            "ValueError: Size mismatch between saved torch.Size([32000, 4096]) and current: torch.Size([65536000]) for model.embed_tokens.weight",
            "The checkpoint state_dict contains keys that are not used by the model:\n  encoder._fsdp_wrapped_module._flat_param",
            'strategy="fsdp", resumed from last.ckpt on 16 GPUs\nRuntimeError: The size of tensor a (40964096) must match the size of tensor b (20482048) at non-singleton dimension 0',
            "deepspeed.runtime.zero.utils.ZeRORuntimeException: The checkpoint being loaded used a DP world size of 8 but the current world size is 4. Automatic adjustment of ZeRO's optimizer state partitioning with a new world size is not currently supported.",
        ),
        counterexamples=(
            "RuntimeError: Error(s) in loading state_dict for ResNet: size mismatch for fc.weight",
            "fsdp checkpoint loaded\nRuntimeError: The size of tensor a (40) must match the size of tensor b (20) at non-singleton dimension 0",
        ),
    ),
)
