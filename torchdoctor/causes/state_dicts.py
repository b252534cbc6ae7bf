"""Weights that do not fit the model they are loaded into, and weights that cannot be saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_TABLES = (
    r"(?:embed_tokens|lm_head|wte|word_embeddings?|embed_in|embed_out|tok_embeddings|shared|token_embedding\w*|embeddings?|"
    r"decoder\.bias|predictions\.bias|output)"
)
_COPY = (
    r"copying a param with shape (?:torch\.Size\(\[|\()(?P<have>\d+)(?:, (?P<width>\d+))?\]?\) from checkpoint, the shape in "
    r"current model is (?:torch\.Size\(\[|\()(?P<want>\d+)(?:, (?P<width2>\d+))?\]?\)"
)


def rows_differ(groups: Mapping[str, str], situation: Any) -> bool:
    """A table of the same width with another number of rows, as large as a vocabulary."""
    have, want = int(groups["have"]), int(groups["want"])
    return have != want and min(have, want) > 250 and groups["width"] == groups["width2"]


CAUSES = (
    Cause(
        slug="state-dict-mismatch",
        title="The checkpoint does not fit the model {model|it is loaded into}: other keys or other shapes",
        why="load_state_dict compares every name and shape. They differ where the checkpoint belongs to another architecture, "
        "configuration, number of classes or version of the code (or library).",
        signs=(
            Sign(r"Error\(s\) in loading state_dict for (?P<model>\w+)"),
            Sign(r"size mismatch for [\w.]+: copying a param"),
            Sign(r"(?:Missing|Unexpected) key\(s\) in state_dict"),
            Sign(r"While copying the parameter named .{1,80}whose dimensions in the model are"),
            Sign(r"(?:unexpected|missing) key(?:s in source state_dict:|(?:s)? \S+ in state_dict)", FAIR),
            Sign(r"Trying to set a tensor of shape .{1,60} in .{1,60}\(which has shape .{1,60}\), this looks? incorrect"),
            Sign(r"You set `?ignore_mismatched_sizes`? to `?False`?, thus raising an error"),
            Sign(r"pass `?ignore_mismatched_sizes=True`?", FAIR),
            ends_in("torch/nn/modules/module.py", "load_state_dict", code=r"raise RuntimeError\("),
        ),
        fixes=(
            Fix(
                "Build the model exactly as it was trained: the same architecture and config (number of classes, layers, sizes) and "
                "the same version of the code or library; upgrade the older of the two.",
            ),
            Fix(
                "Where only a new head differs: delete those keys (or ignore_mismatched_sizes=True in from_pretrained) and train the "
                "head again; strict=False does not excuse other shapes.",
                code="state = {{k: v for k, v in state.items() if k in own and v.shape == own[k].shape}}\n"
                "model.load_state_dict(state, strict=False)",
            ),
            Fix(
                "Where only harmless buffers differ (num_batches_tracked of a newer version, position_ids): load_state_dict(state, "
                "strict=False)."
            ),
        ),
        examples=(
            "RuntimeError: Error(s) in loading state_dict for UNet:\n\tsize mismatch for head.weight: copying a param with shape "
            "torch.Size([21, 64, 1, 1]) from checkpoint, "
            "the shape in current model is torch.Size([2, 64, 1, 1]).",
            'ValueError: Trying to set a tensor of shape torch.Size([1024, 4096]) in "weight" (which has shape torch.Size([4096, '
            "4096])), this looks incorrect.",
        ),
        counterexamples=("Some weights of BertForSequenceClassification were not initialized from the model checkpoint",),
    ),
    Cause(
        slug="data-parallel-prefix",
        title="The keys of the checkpoint and of the model differ by the prefix 'module.' of DataParallel or DDP",
        why="DataParallel and DistributedDataParallel keep the model under the attribute module, so state_dict() of the wrapper has "
        "'module.' before every key.",
        signs=(
            Sign(
                r"Unexpected key\(s\) in state_dict: \"module\.",
                unless=(r"loading state_dict for (?:Distributed)?DataParallel", r"Missing key\(s\) in state_dict: \"module\."),
            ),
            Sign(r"Missing key\(s\) in state_dict: \"module\.", unless=(r"Unexpected key\(s\) in state_dict: \"module\.",)),
            Sign(r"(?:Unexpected|Missing) key\(s\) in state_dict: \"module\.module\."),
            Sign(r"unexpected key \"module\.[\w.]+\" in state_dict"),
            Sign(r"missing keys? in source state_dict: module\."),
            Sign(r"unexpected keys? in source state_dict: module\.", FAIR),
            Sign(r"state_dict .{1,200}[\"'“]module\.\w", FAIR, also=(r"Error",), unless=(r"key\(s\)", r"load_state_dict\(")),
            Sign(
                r"Missing key\(s\) in state_dict: \"(?P<head>\w{1,60})\.(?P<rest>[\w.]{1,100})\".{0,4000}Unexpected key\(s\) in state_dict: \"(?P=head)\.module\.(?P=rest)\""
            ),
        ),
        fixes=(
            Fix(
                "Strip the prefix while loading (or load into the unwrapped model, model.module.load_state_dict, where the model is "
                "the wrapped one).",
                code="state = {{k.removeprefix('module.'): v for k, v in state.items()}}\nmodel.load_state_dict(state)",
            ),
            Fix(
                "For the future save without it: torch.save(model.module.state_dict(), path).",
                code="torch.save(model.module.state_dict(), path)",
            ),
        ),
        refines=("state-dict-mismatch",),
        examples=(
            'RuntimeError: Error(s) in loading state_dict for ResNet:\n\tMissing key(s) in state_dict: "conv1.weight".\n'
            '\tUnexpected key(s) in state_dict: "module.conv1.weight".',
            'RuntimeError: Error(s) in loading state_dict for DataParallel:\n\tMissing key(s) in state_dict: "module.fc.weight".\n'
            '\tUnexpected key(s) in state_dict: "fc.weight".',
            "KeyError: 'unexpected key \"module.bn1.weight\" in state_dict'",
        ),
        counterexamples=(
            "RuntimeError: Error(s) in loading state_dict for DataParallel:\n"
            '\tUnexpected key(s) in state_dict: "module.bn1.num_batches_tracked".',
            'RuntimeError: Error(s) in loading state_dict for DataParallel:\n\tMissing key(s) in state_dict: "module.head.weight".\n'
            '\tUnexpected key(s) in state_dict: "module.fc.weight".',
        ),
    ),
    Cause(
        slug="compile-prefix",
        title="The keys of the checkpoint carry the prefix '_orig_mod.' of torch.compile",
        why="torch.compile(model) wraps the model, and state_dict() of the wrapper has '_orig_mod.' in every key.",
        signs=(
            Sign(r"(?:Unexpected|Missing) key\(s\) in state_dict: \"(?:module\.)?_orig_mod\."),
            Sign(r"\"_orig_mod\.[\w.]+\"", FAIR, also=(r"state_dict",)),
        ),
        fixes=(
            Fix("Strip the prefix while loading.", code="state = {{k.replace('_orig_mod.', ''): v for k, v in state.items()}}"),
            Fix("For the future save the inner model: model._orig_mod.state_dict(), or use model.compile(), which does not wrap."),
        ),
        refines=("state-dict-mismatch", "data-parallel-prefix"),
        examples=(
            'RuntimeError: Error(s) in loading state_dict for GPT:\n\tUnexpected key(s) in state_dict: "_orig_mod.wte.weight", '
            '"_orig_mod.wpe.weight".',
        ),
        counterexamples=('RuntimeError: Error(s) in loading state_dict for GPT:\n\tUnexpected key(s) in state_dict: "wte.weight".',),
    ),
    Cause(
        slug="checkpoint-dict-not-unwrapped",
        title="The whole checkpoint dictionary was given to load_state_dict instead of the weights inside of it",
        why="Training programs save a dictionary with the epoch, the optimizer and the weights. load_state_dict wants only the "
        "weights, here under a key such as 'state_dict' or 'model'.",
        signs=(
            Sign(
                r"Unexpected key\(s\) in state_dict: (?:\"[\w.-]+\", "
                r"){0,4}\"(?:epoch|state_dict|model_state_dict|model_state|optimizer|optimizer_state_dict|optimizer_states|best_acc\w*|"
                r"global_step|pytorch-lightning_version|lr_scheduler|model|net|hyper_parameters|ema|iteration|meta)\""
            ),
            Sign(r"unexpected key \"(?:epoch|state_dict|model_state_dict|optimizer|arch)\" in state_dict"),
            Sign(r"unexpected keys? in source state_dict: (?:meta|state_dict|optimizer|epoch)\b"),
        ),
        fixes=(
            Fix(
                "Load the entry with the weights: print(ckpt.keys()) and use model.load_state_dict(ckpt['state_dict']) (or "
                "ckpt['model'], ckpt['model_state_dict']).",
                code="ckpt = torch.load(path, map_location='cpu')\nmodel.load_state_dict(ckpt['state_dict'])",
            ),
        ),
        refines=("state-dict-mismatch", "data-parallel-prefix"),
        examples=(
            'RuntimeError: Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: "fc1.weight", "fc1.bias".\n'
            '\tUnexpected key(s) in state_dict: "epoch", "model_state_dict", "optimizer_state_dict", "loss".',
        ),
        counterexamples=('RuntimeError: Error(s) in loading state_dict for Net:\n\tUnexpected key(s) in state_dict: "model.0.weight".',),
    ),
    Cause(
        slug="state-dict-not-a-model",
        title="torch.load returned a dictionary of weights, and it was used as if it were the model",
        why="The file holds a state_dict (an OrderedDict of tensors), which has no eval(), to() or forward(); it must be loaded into a "
        "model object.",
        signs=(
            Sign(
                r"'(?:collections\.)?OrderedDict' object has no attribute "
                r"'(?P<attribute>eval|to|cuda|cpu|parameters|forward|train|state_dict|modules|named_\w+)'"
            ),
            Sign(r"'(?:collections\.)?OrderedDict' object is not callable"),
            Sign(r"'dict' object has no attribute '(?P<attribute>eval|cuda|parameters|forward|state_dict)'", FAIR, also=(r"torch\.load",)),
        ),
        fixes=(
            Fix(
                "Build the model first and load the weights into it.",
                code="model = Net()\nmodel.load_state_dict(torch.load(path, map_location='cpu'))\nmodel.eval()",
            ),
        ),
        examples=("    model = torch.load('net.pth').eval()\nAttributeError: 'collections.OrderedDict' object has no attribute 'eval'",),
        counterexamples=("AttributeError: 'dict' object has no attribute 'items_list'",),
    ),
    Cause(
        slug="vocab-size-mismatch",
        title="The embedding table of the checkpoint has {have|another number of} rows, the model has {want|a different one}",
        why="Tokens were added (or the table was padded) before saving, so the embedding and lm_head have as many rows as that "
        "vocabulary. The model was built with another vocabulary size.",
        signs=(
            Sign(rf"size mismatch for [\w.]*{_TABLES}[\w.]*: {_COPY}", test=rows_differ),
            Sign(
                r"Trying to set a tensor of shape torch\.Size\(\[(?P<have>\d+), (?P<width>\d+)\]\) in .{1,80}\(which has shape "
                r"torch\.Size\(\[(?P<want>\d+), (?P<width2>\d+)\]\)\)",
                FAIR,
                test=lambda groups, situation: (
                    rows_differ(groups, situation)
                    and (abs(int(groups["have"]) - int(groups["want"])) < 2000 or min(int(groups["have"]), int(groups["want"])) >= 30_000)
                ),
            ),
            Sign(r"vocab(?:ulary)?[ _]size .{0,40}(?:mismatch|does not match|doesn't match)", FAIR),
        ),
        fixes=(
            Fix(
                "Give the model the checkpoint's vocabulary size before loading: model.resize_token_embeddings({have|rows of the "
                "checkpoint}) "
                "(len(tokenizer) where you load the tokenizer that was saved with it), then load the adapter or weights.",
                code="model.resize_token_embeddings({have|len(tokenizer)})\nmodel = PeftModel.from_pretrained(model, adapter)",
            ),
            Fix(
                "Or load the tokenizer and the base model that the checkpoint was trained with; for old adapters leave embed_tokens "
                "and lm_head out (do not save them)."
            ),
        ),
        refines=("state-dict-mismatch",),
        examples=(
            "RuntimeError: Error(s) in loading state_dict for PeftModelForCausalLM:\n"
            "\tsize mismatch for base_model.model.model.embed_tokens.weight: copying a param with shape "
            "torch.Size([32016, 4096]) from checkpoint, the shape in current model is torch.Size([32000, 4096]).",
        ),
        counterexamples=(
            "size mismatch for head.weight: copying a param with shape torch.Size([1000, 768]) from checkpoint, the shape in current "
            "model is torch.Size([10, 768]).",
        ),
    ),
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
        examples=(
            '    self.optimizer.load_state_dict(ckpt["optim"])\nValueError: loaded state dict contains a parameter group that '
            "doesn't match the size of optimizer's group",
        ),
        counterexamples=("RuntimeError: Error(s) in loading state_dict for Net",),
    ),
)
