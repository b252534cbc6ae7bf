"""Mend the person's own line of code where the traceback shows it; each rewriting gives a small diff or None."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Optional

from torchdoctor.diagnose.match import Candidate
from torchdoctor.diagnose.statement import Statement, own_statement

_TENSOR_KEYWORDS = frozenset(
    "input_ids attention_mask inputs_embeds pixel_values labels input inputs x token_type_ids position_ids decoder_input_ids "
    "input_features input_values image images tensor target src tgt indices index mask weight".split()
)
_NEVER_TENSORS = re.compile(
    r"config|tokenizer|processor|streamer|kwargs|args|criteria|name|path|device|dtype|prompt|text|max_|min_|num_|^n$|^k$|^i$|^dim"
)
_MAPPINGS = ("inputs", "encoding", "encoded", "encoded_input", "tokens", "model_inputs", "batch_encoding", "tokenized")
_WRAPPERS = ("DDP", "DistributedDataParallel", "FSDP", "FullyShardedDataParallel", "DataParallel")


def rewrite(name: str, candidate: Candidate) -> Optional[str]:
    """The changed lines for the named rewriting, headed by their place, or None where nothing can be said."""
    statement = own_statement(candidate)
    if statement is None:
        return None
    lines = REWRITINGS[name](statement)
    if not lines:
        return None
    file = statement.frame.path.replace("\\", "/").rsplit("/", 1)[-1]
    return "\n".join([f"# {file}, line {statement.frame.line}", *lines])


Lines = Optional[list[str]]


def _before(statement: Statement, *added: str) -> list[str]:
    """New lines in front of the statement as it is shown."""
    return [*(f"+ {line}" for line in added), f"  {statement.shown}"]


def _changed(statement: Statement, new: str, *added: str) -> Lines:
    """The statement replaced; None where nothing changed or where only a part of it is known."""
    if new == statement.text or not statement.whole:
        return None
    old = [f"- {statement.shown}"]
    if statement.shown != statement.text:  # the further lines were found elsewhere
        old = [f"- {statement.text}"]
    return [*old, *(f"+ {line}" for line in added), f"+ {new}"]


def _replaced(statement: Statement, node: ast.expr, new: str) -> str:
    """The statement's text with one expression written otherwise."""
    raw = statement.text.encode()
    lines = raw.split(b"\n")
    start = sum(len(line) + 1 for line in lines[: node.lineno - 1]) + node.col_offset
    last = node.end_lineno or node.lineno
    end = sum(len(line) + 1 for line in lines[: last - 1]) + (node.end_col_offset or node.col_offset)
    return (raw[:start] + new.encode() + raw[end:]).decode()


def _is_value(node: ast.expr) -> bool:
    """Whether a node can be a tensor that has a name: ``x``, ``self.x``, ``batch["x"]``."""
    if isinstance(node, ast.Name):
        return not _NEVER_TENSORS.search(node.id) and node.id not in ("self", "True", "False", "None")
    if isinstance(node, ast.Attribute):
        return _is_value(node.value) or (isinstance(node.value, ast.Name) and node.value.id == "self")
    return isinstance(node, ast.Subscript) and _is_value(node.value)


def _tensors(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that look like tensors."""
    found = [argument for argument in call.args if _is_value(argument)]
    for keyword in call.keywords:
        if keyword.arg in _TENSOR_KEYWORDS and _is_value(keyword.value):
            found.append(keyword.value)
    return found


def _model_call(statement: Statement) -> Optional[ast.Call]:
    """The call of a model: ``.generate``, a name that says so, or an own module."""
    calls = statement.calls
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("generate", "forward", "encode", "predict", "sample"):
            return call
    for call in calls:
        name = statement.source(call.func)
        if re.search(
            r"(?:^|[._])(?:model|net|network|module|encoder|decoder|generator|discriminator|backbone|unet|vae|layer\d*|embed\w*)\d*$", name
        ):
            return call
    for call in calls:
        if (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "self"
            and _tensors(call)
        ):
            return call
    return None


def _device_of_model(statement: Statement, call: ast.Call) -> str:
    """An expression for the device of the model that is called."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("generate", "forward", "encode", "predict", "sample"):
        model = statement.source(call.func.value)
        return f"{model}.device" if call.func.attr == "generate" else f"next({model}.parameters()).device"
    return f"next({statement.source(call.func)}.parameters()).device"


def _move_input(statement: Statement) -> Lines:
    call = _model_call(statement)
    if call is not None:
        device = _device_of_model(statement, call)
        for keyword in call.keywords:
            if keyword.arg is None:
                return _before(statement, _moved_mapping(statement.source(keyword.value), device))
        for argument in call.args:
            if isinstance(argument, ast.Starred):
                return None
        names = list(dict.fromkeys(statement.source(node) for node in _tensors(call)))
        if names:
            return _before(statement, *(f"{name} = {name}.to({device})" for name in names))
        if isinstance(call.func, ast.Attribute) and call.func.attr == "generate":
            return _before(statement, f"input_ids = input_ids.to({device})")
        return None
    return _same_device(statement)


def _moved_mapping(name: str, device: str) -> str:
    if not re.fullmatch(r"[\w.]+", name):
        return f"inputs = {{key: value.to({device}) for key, value in {name}.items()}}"
    if name.rsplit(".", 1)[-1] in _MAPPINGS:
        return f"{name} = {name}.to({device})"
    return f"{name} = {{key: value.to({device}) for key, value in {name}.items()}}"


def _same_device(statement: Statement) -> Lines:
    """Two operands, or the tensors of one call: the further ones go to the device of the first."""
    for node in ast.walk(statement.tree):
        pair: list[ast.expr] = []
        if isinstance(node, ast.BinOp):
            pair = [node.left, node.right]
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            pair = [node.left, node.comparators[0]]
        elif isinstance(node, ast.AugAssign):
            pair = [node.target, node.value]
        if len(pair) == 2 and all(map(_is_value, pair)):
            left, right = map(statement.source, pair)
            return _before(statement, f"{right} = {right}.to({left}.device)") if left != right else None
    for call in statement.calls:
        nodes = _tensors(call)
        if len(call.args) == 1 and isinstance(call.args[0], (ast.List, ast.Tuple)):
            nodes = [node for node in call.args[0].elts if _is_value(node)]
        names = list(dict.fromkeys(map(statement.source, nodes)))
        if len(names) >= 2:
            return _before(statement, *(f"{name} = {name}.to({names[0]}.device)" for name in names[1:]))
    for node in ast.walk(statement.tree):
        if isinstance(node, ast.Subscript) and _is_value(node.value) and isinstance(node.slice, ast.Name):
            index = node.slice.id
            return _before(statement, f"{index} = {index}.to({statement.source(node.value)}.device)")
    return None


def _move_model(statement: Statement) -> Lines:
    for call in statement.calls:
        name = statement.source(call.func)
        if name.rsplit(".", 1)[-1] in _WRAPPERS and call.args and _is_value(call.args[0]):
            model = statement.source(call.args[0])
            return _before(statement, f"{model} = {model}.to(device)")
    called = _model_call(statement)
    if called is None:
        return None
    model = statement.source(called.func)
    if isinstance(called.func, ast.Attribute) and called.func.attr in ("generate", "forward", "encode", "predict", "sample"):
        model = statement.source(called.func.value)
    names = [statement.source(node) for node in _tensors(called)]
    return _before(statement, f"{model} = {model}.to({names[0]}.device)" if names else f"{model} = {model}.to(device)")


def _to_numpy(statement: Statement, chain: str) -> Lines:
    """``x.numpy()`` with the chain in front of it, or the tensors given to NumPy and its like."""
    for call in statement.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "numpy":
            value = statement.source(call.func.value)
            wanted = "".join(part for part in chain.split(" ") if part not in value)
            return _changed(statement, _replaced(statement, call.func.value, value + wanted))
    for call in statement.calls:
        head = statement.source(call.func).split(".")[0]
        nodes = [node for node in call.args if _is_value(node)]
        if head in ("np", "numpy", "plt", "ax", "sns", "pd", "cv2", "metrics", "sklearn") and nodes:
            value = statement.source(nodes[0])
            return _changed(statement, _replaced(statement, nodes[0], value + chain.replace(" ", "") + ".numpy()"))
    return None


def _map_location(statement: Statement) -> Lines:
    for call in statement.calls:
        if statement.source(call.func).endswith("torch.load") and not any(k.arg == "map_location" for k in call.keywords):
            source = statement.source(call)
            if not (call.args or call.keywords) or not source.endswith(")"):
                continue
            body = source[:-1].rstrip().rstrip(",")
            return _changed(statement, _replaced(statement, call, f'{body}, map_location="cpu")'))
    return None


def _backend_gloo(statement: Statement) -> Lines:
    for call in statement.calls:
        if not statement.source(call.func).endswith("init_process_group"):
            continue
        for node in (*call.args[:1], *(k.value for k in call.keywords if k.arg == "backend")):
            return _changed(statement, _replaced(statement, node, '"gloo"'))
        source = statement.source(call)
        body = source[source.index("(") + 1 : -1].strip()
        return _changed(
            statement, _replaced(statement, call, source[: source.index("(")] + '(backend="gloo"' + (f", {body})" if body else ")"))
        )
    return None


def _main_guard(statement: Statement) -> Lines:
    if statement.frame.function not in ("<module>", "module") or not statement.whole:
        return None
    return [f"- {statement.shown}", '+ if __name__ == "__main__":', *(f"+     {line}" for line in statement.text.split("\n"))]


_PICK = 'device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"'


def _device_available(statement: Statement) -> Lines:
    for node in ast.walk(statement.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"cuda(?::\d+)?", node.value):
            return _changed(statement, _replaced(statement, node, "device"), _PICK)
    for call in statement.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "cuda" and statement.source(call.func.value) != "torch":
            return _changed(statement, _replaced(statement, call, f"{statement.source(call.func.value)}.to(device)"), _PICK)
    return None


def _cast_float(statement: Statement) -> Lines:
    for call in statement.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "to" and _is_value(call.func.value):
            value = statement.source(call.func.value)
            return _changed(statement, _replaced(statement, call.func.value, f"{value}.float()"))
        name = statement.source(call.func)
        if name in ("torch.tensor", "torch.as_tensor") and not any(k.arg == "dtype" for k in call.keywords) and call.args:
            source = statement.source(call)
            return _changed(statement, _replaced(statement, call, source[:-1].rstrip().rstrip(",") + ", dtype=torch.float32)"))
    for call in statement.calls:
        nodes = _tensors(call)
        if nodes:
            node = nodes[1] if len(nodes) > 1 and re.search(r"loss|criterion", statement.source(call.func), re.IGNORECASE) else nodes[0]
            return _changed(statement, _replaced(statement, node, f"{statement.source(node)}.float()"))
    return None


REWRITINGS: Mapping[str, Callable[[Statement], Lines]] = {
    "move-input": _move_input,
    "move-model": _move_model,
    "add-cpu-numpy": lambda statement: _to_numpy(statement, ".detach() .cpu()"),
    "detach-numpy": lambda statement: _to_numpy(statement, ".detach()"),
    "map-location": _map_location,
    "backend-gloo": _backend_gloo,
    "main-guard": _main_guard,
    "device-available": _device_available,
    "cast-float": _cast_float,
}
"""What a cause may name as its ``patch``."""
