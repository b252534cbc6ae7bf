"""Weights that do not fit the model they are loaded into, and weights that cannot be saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
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
            Sign(r"(?:missing|unexpected) keys in state_dict: "),
            Sign(r"Cannot load model parameters from checkpoint"),
            Sign(r"ensure that the architectures match"),
            Sign(r"because the following keys are missing"),
            Sign(r"Cannot load .{0,150}because \S{1,150} expected shape"),
            Sign(r"model and loaded state dict do not match exactly", WEAK),
            Sign(r"Layer count mismatch when loading weights", FAIR),
            Sign(r"inconsistent tensor sizes?", also=(r"load_state_dict|While copying",), near=1500),
            Sign(r"params_dict\[name\].{0,300}KeyError: ", FAIR),
            Sign(r"KeyError: .{0,120}params_dict\[name\]", FAIR),
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
            Fix(
                "Where every key differs by the same prefix (`module.` of DataParallel or DDP, `_orig_mod.` of torch.compile): strip it "
                "from the keys before loading.",
                code="state = {{k.removeprefix('module.'): v for k, v in state.items()}}",
            ),
        ),
        examples=(
            "RuntimeError: Error(s) in loading state_dict for UNet:\n\tsize mismatch for head.weight: copying a param with shape "
            "torch.Size([21, 64, 1, 1]) from checkpoint, "
            "the shape in current model is torch.Size([2, 64, 1, 1]).",
            'ValueError: Trying to set a tensor of shape torch.Size([1024, 4096]) in "weight" (which has shape torch.Size([4096, '
            "4096])), this looks incorrect.",
            "Exception: Cannot load model parameters from checkpoint /data/checkpoint_best.pt; please ensure that the architectures match.",
            "ValueError: Cannot load from ./unet because conv_in.weight expected shape tensor(..., device='meta', size=(320, 4, 3, 3)), but got torch.Size([320, 9, 3, 3]).",
            "    param = params_dict[name]\nKeyError: 'layers.0.mlp.gate_up_proj.g_idx'",
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
            Sign(r"KeyError: 'module\.[\w.]{1,100}'", FAIR, also=(r"state_dict|checkpoint|torch\.load|\.pth?\b",)),
            Sign(r"missing_keys=\['(?!module\.)[^']{1,100}'.{0,4000}unexpected_keys=\['module\."),
            Sign(r"unexpected keys?:? ?\['module\.", FAIR, unless=(r"missing keys?:? ?\['module\.",)),
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
            "    own[name] = state_dict[key]\nKeyError: 'module.layer1.0.conv1.weight'",
            "_IncompatibleKeys(missing_keys=['conv1.weight'], unexpected_keys=['module.conv1.weight'])",
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
            Sign(r"[\"']_orig_mod\.[\w.]{1,120}[\"']", FAIR, also=(r"KeyError|unexpected|missing|not used",)),
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
                r"){0,4}\"(?:params|params_ema|opts?|args|config|start_epoch|\w{1,20}_state_dict|\w{0,12}optim\w{0,12}|\w{0,12}scheduler\w{0,8}|"
                r"iters?|train_loss|student|teacher|generator|discriminator|callbacks|loops|trainer|trainer_state|epoch|state_dict|model_state_dict|model_state|optimizer|optimizer_state_dict|optimizer_states|best_acc\w*|"
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
            'RuntimeError: Error(s) in loading state_dict for SRNet:\n\tMissing key(s) in state_dict: "conv_first.weight".\n\tUnexpected key(s) in state_dict: "params_ema".',
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
                r"'(?P<attribute>eval|to|cuda|cpu|parameters|forward|train|state_dict|modules|named_\w+|fuse|module|predict|float|half|children|_parameters|generate)'"
            ),
            Sign(r"'(?:collections\.)?OrderedDict' object is not callable"),
            Sign(r"'dict' object has no attribute '(?P<attribute>eval|cuda|parameters|forward|state_dict)'", FAIR, also=(r"torch\.load",)),
            Sign(
                r"'dict' object has no attribute '(?P<attribute>eval|to|cuda|parameters|forward|float|half|module)'",
                FAIR,
                also=(r"torch\.load\(",),
            ),
            Sign(r"'dict' object is not callable", FAIR, also=(r"torch\.load\(",)),
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
                r"size mismatch for [\w.]*(?:embed_tokens|lm_head|wte|word_embeddings?|tok_embeddings|final_logits_bias)[\w.]*: copying a param",
                FAIR,
            ),
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
            Sign(
                r"(?:size of tensor a|expanded size of the tensor) \((?P<have>\d{5,6})\) must match the .{1,30} \((?P<want>\d{5,6})\) at non-singleton dimension 0",
                test=lambda groups, situation: 0 < abs(int(groups["have"]) - int(groups["want"])) < 2000,
            ),
            Sign(r"loaded_weight\.shape\[\w+\] == self\.org_vocab_size"),
            Sign(
                r"(?:embed_tokens|lm_head|wte|word_embeddings|shared)\b.{0,120}ckpt: ?torch\.Size\(\[(?P<have>\d+), (?P<width>\d+)\]\) vs model: ?"
                r"torch\.Size\(\[(?P<want>\d+), (?P<width2>\d+)\]",
                test=rows_differ,
            ),
            Sign(
                r"lora_embedding_A[\w.]*: copying a param with shape torch\.Size\(\[\d+, (?P<have>\d+)\]\) from checkpoint, the shape in current model is "
                r"torch\.Size\(\[\d+, (?P<want>\d+)\]\)",
            ),
            Sign(  # in any language
                rf"{_TABLES}[\w.]*: .{{1,80}}torch\.Size\(\[(?P<have>\d+), (?P<width>\d+)\]\).{{1,80}}torch\.Size\(\[(?P<want>\d+), (?P<width2>\d+)\]\)",
                FAIR,
                test=rows_differ,
            ),
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
        refines=("state-dict-mismatch", "shape-mismatch"),
        unless=(r"size mismatch for [\w.]*(?:self_attn|attention|mlp|feed_forward|ffn)\.[\w.]*:",),  # then the whole model is another
        examples=(
            "RuntimeError: Error(s) in loading state_dict for PeftModelForCausalLM:\n"
            "\tsize mismatch for base_model.model.model.embed_tokens.weight: copying a param with shape "
            "torch.Size([32016, 4096]) from checkpoint, the shape in current model is torch.Size([32000, 4096]).",
            "RuntimeError: The size of tensor a (32000) must match the size of tensor b (32001) at non-singleton dimension 0",
        ),
        counterexamples=(
            "size mismatch for head.weight: copying a param with shape torch.Size([1000, 768]) from checkpoint, the shape in current "
            "model is torch.Size([10, 768]).",
        ),
    ),
)
