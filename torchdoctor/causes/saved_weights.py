"""Weights that were saved wrongly, or cannot be saved: empty ZeRO-3 placeholders, shared tensors."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="zero3-empty-weights",
        title="Weights of size 0 were saved (or are seen) under DeepSpeed ZeRO-3",
        why="ZeRO stage 3 keeps each parameter split over the ranks; outside of a gather the parameter itself is an empty placeholder. "
        "A plain state_dict() or save_pretrained then stores torch.Size([0]).",
        signs=(
            Sign(r"copying a param with shape torch\.Size\(\[0\]\) from checkpoint"),
            Sign(r"from checkpoint, the shape in current model is torch\.Size\(\[0\]\)"),
            Sign(r"Trying to set a tensor of shape torch\.Size\(\[0\]\) in"),
            Sign(r"RuntimeError: 'weight' must be 2-D", FAIR),
            Sign(  # the placeholder of older DeepSpeed has one element
                r"torch\.Size\(\[1\]\) from checkpoint.{0,250}torch\.Size\(\[1\]\) from checkpoint.{0,250}torch\.Size\(\[1\]\) from checkpoint",
            ),
            Sign(r"The size of tensor [ab] \(0\)", FAIR, also=(r"deepspeed|zero_?3|stage ?3",)),
            Sign(r"index -?\d+ is out of bounds for dimension 0 with size 0", FAIR, also=(r"deepspeed|zero_?3|stage ?3",)),
            Sign(r"ckpt: torch\.Size\(\[0\]\) vs model"),
        ),
        fixes=(
            Fix(
                "Rebuild the full weights from the ZeRO checkpoint with DeepSpeed's zero_to_fp32.py, which lies in the checkpoint folder.",
                commands=("python zero_to_fp32.py . pytorch_model.bin",),
            ),
            Fix(
                "Save gathered weights in the first place: stage3_gather_16bit_weights_on_model_save: true in the DeepSpeed config "
                "(and trainer.save_model or accelerator.get_state_dict), or deepspeed.zero.GatheredParameters around the access.",
                code="with deepspeed.zero.GatheredParameters(list(model.parameters())):\n    ...",
            ),
            Fix("Or train with ZeRO stage 2, which keeps whole parameters."),
        ),
        refines=("state-dict-mismatch", "shape-mismatch"),
        examples=(
            "RuntimeError: Error(s) in loading state_dict for LlamaForCausalLM:\n"
            "\tsize mismatch for model.norm.weight: copying a param with shape torch.Size([0]) from checkpoint, the shape in current "
            "model is torch.Size([4096]).",
            "    return torch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)\nRuntimeError: 'weight' must be 2-D",
        ),
        counterexamples=(
            "size mismatch for fc.weight: copying a param with shape torch.Size([10]) from checkpoint, the shape in current model is "
            "torch.Size([5]).",
        ),
    ),
    Cause(
        slug="safetensors-shared-tensors",
        title="Tensors that share memory (tied weights) cannot be saved in the safetensors format",
        why="safetensors stores every tensor once and refuses two names for the same memory, as with tied embeddings or a module used "
        "under two names.",
        signs=(
            Sign(r"Some tensors share memory, this will lead to duplicate memory on disk"),
            Sign(r"The weights trying to be saved contained shared tensors"),
            Sign(r"A potential way to correctly save your model is to use `?save_model", FAIR),
            Sign(r"mismatching the transformers base configuration\. Try saving using `?safe_serialization=False", FAIR),
            # the message itself is often cut off: the frames of a failed save
            Sign(r"safetensors[/\\]torch\.py\W.{0,60}in (?:save_file|_flatten)"),
            Sign(
                r"self\._save_checkpoint\(model, trial, metrics=metrics\)",
                WEAK,
                also=(r"_maybe_log_save_evaluate",),
                unless=(r"\w{3,40}(?:Error|Exception): ",),
            ),
            ends_in("safetensors/torch.py", "_flatten"),
            Sign(r"tensors which are reference of each other", FAIR),
            Sign(r"potential target tied weights keys", FAIR),
            Sign(r"shared tensors \[\{.{1,400}(?:not properly defined|mismatching the transformers)"),
        ),
        fixes=(
            Fix(
                "Save without safetensors: save_safetensors=False in TrainingArguments (or save_pretrained(path, "
                "safe_serialization=False)).",
                code="args = TrainingArguments(..., save_safetensors=False)\nmodel.save_pretrained(path, safe_serialization=False)",
            ),
            Fix(
                "Or use safetensors.torch.save_model(model, path), which handles shared tensors, or untie (clone) the tied weights "
                "before saving; for an own model declare _tied_weights_keys."
            ),
            Fix("Where it names a non contiguous tensor: call .contiguous() on it before saving."),
        ),
        examples=(
            "RuntimeError: The weights trying to be saved contained shared tensors [{'embed.weight', 'lm_head.weight'}] that are "
            "mismatching the transformers base configuration. Try saving using `safe_serialization=False` or remove this tensor sharing.",
            "RuntimeError: Some tensors share memory, this will lead to duplicate memory on disk and potential differences when "
            "loading them again: [{'a.weight', 'b.weight'}].",
            "RuntimeError: The weights trying to be saved contained shared tensors [{'encoder.w', 'decoder.w'}] which are not properly defined. We found `_tied_weights_keys` to be: set().",
        ),
        counterexamples=(
            "OSError: [Errno 28] No space left on device",
            "Removed shared tensor {'lm_head.weight'} while saving. This should be OK",
        ),
    ),
)
