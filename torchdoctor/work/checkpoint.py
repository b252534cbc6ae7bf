"""Loading Hugging Face checkpoint folders with nothing but torch.

The patient may have neither transformers nor safetensors, so the safetensors format is read here: eight
bytes with the length of a JSON header (little-endian), the header, then the tensors' bytes.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from typing import Any, Optional

import torch
from torch import Tensor

from torchdoctor.work.llama import Llama, LlamaConfig

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_HEADER_LIMIT = 100_000_000  # the format's own limit, in bytes


class CheckpointError(ValueError):
    """A checkpoint folder that cannot be loaded, and why."""


def read_safetensors(path: str) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU. Raises CheckpointError for a file that is cut off or malformed."""
    if sys.byteorder != "little":
        raise CheckpointError("safetensors are little-endian and this machine is not")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _HEADER_LIMIT):
            raise CheckpointError(f"{path}: header of {length} bytes in a file of {size} bytes: the file is cut off or no safetensors")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise CheckpointError(f"{path}: header is not JSON: {error}") from error
        data = 8 + length
        return {name: _read_tensor(file, path, name, entry, data, size) for name, entry in header.items() if name != "__metadata__"}


def _read_tensor(file: Any, path: str, name: str, entry: Mapping[str, Any], data: int, size: int) -> Tensor:
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise CheckpointError(f"{path}: {name} has dtype {entry['dtype']}, which is not read here")
    begin, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    count = math.prod(shape)
    empty = torch.empty(0, dtype=dtype)
    if begin < 0 or data + end > size or end - begin != count * empty.element_size():
        raise CheckpointError(f"{path}: {name} lies at bytes {begin} to {end} of {size - data}: the file is cut off or malformed")
    if count == 0:
        return empty.reshape(shape)
    file.seek(data + begin)
    return torch.frombuffer(bytearray(file.read(end - begin)), dtype=dtype).reshape(shape)


def config_from_hf(values: Mapping[str, Any]) -> LlamaConfig:
    """The config of a Hugging Face ``config.json``, of transformers 4 and 5. Raises CheckpointError for another architecture."""
    if values.get("model_type", "llama") != "llama":
        raise CheckpointError(f"model_type is {values['model_type']!r}, not 'llama'")
    if values.get("hidden_act", "silu") != "silu":
        raise CheckpointError(f"hidden_act is {values['hidden_act']!r}, not 'silu'")
    heads, width = int(values["num_attention_heads"]), int(values["hidden_size"])
    rope = values.get("rope_parameters") or {}
    scaling = values.get("rope_scaling") or (rope if rope.get("rope_type", "default") != "default" else None)
    eos = values.get("eos_token_id")
    return LlamaConfig(
        vocab_size=int(values["vocab_size"]),
        hidden_size=width,
        intermediate_size=int(values["intermediate_size"]),
        layers=int(values["num_hidden_layers"]),
        heads=heads,
        kv_heads=int(values.get("num_key_value_heads") or heads),
        head_dim=int(values.get("head_dim") or width // heads),
        rms_norm_eps=float(values.get("rms_norm_eps", 1e-6)),
        rope_theta=float(values.get("rope_theta") or rope.get("rope_theta") or 10000.0),
        rope_scaling=scaling,
        tied=bool(values.get("tie_word_embeddings", False)),
        attention_bias=bool(values.get("attention_bias", False)),
        mlp_bias=bool(values.get("mlp_bias", False)),
        eos=() if eos is None else tuple(eos) if isinstance(eos, (list, tuple)) else (int(eos),),
    )


def from_hf_state_dict(config: LlamaConfig, state: Mapping[str, Tensor], dtype: Optional[torch.dtype] = None) -> Llama:
    """A Llama on the CPU with these weights, in their own dtype unless another is asked for.

    Raises CheckpointError that names what is missing, left over or of another shape.
    """
    state = {name: value for name, value in state.items() if not name.endswith("rotary_emb.inv_freq")}
    if config.tied:
        state.setdefault("lm_head.weight", state.get("model.embed_tokens.weight", torch.empty(0)))
    model = Llama(config, dtype or next(iter(state.values())).dtype)
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise CheckpointError(str(error)) from error
    return model.requires_grad_(False).eval()


def load_hf_folder(path: str, dtype: Optional[torch.dtype] = None) -> Llama:
    """The Llama saved in a folder: ``config.json`` with safetensors or ``pytorch_model.bin``, whole or in shards.

    Raises CheckpointError where there is none, or it is incomplete; FileNotFoundError without ``config.json``.
    """
    with open(os.path.join(path, "config.json"), encoding="utf-8") as file:
        config = config_from_hf(json.load(file))
    state: dict[str, Tensor] = {}
    for name in _weight_files(path):
        state.update(_read_weights(os.path.join(path, name)))
    return from_hf_state_dict(config, state, dtype)


def _weight_files(path: str) -> list[str]:
    """Names of the files that hold the weights, in the order of preference of transformers."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        if os.path.exists(os.path.join(path, name)):
            return [name]
        index = os.path.join(path, f"{name}.index.json")
        if os.path.exists(index):
            with open(index, encoding="utf-8") as file:
                names = sorted(set(json.load(file)["weight_map"].values()))
            absent = [shard for shard in names if not os.path.exists(os.path.join(path, shard))]
            if absent:
                raise CheckpointError(f"{path}: the index names {absent[0]}, which is not there")
            return names
    raise CheckpointError(f"{path}: neither model.safetensors nor pytorch_model.bin, whole or in shards")


def _read_weights(path: str) -> dict[str, Tensor]:
    if path.endswith(".safetensors"):
        return read_safetensors(path)
    # A pickle may run anything: weights_only refuses all but tensors.
    return dict(torch.load(path, map_location="cpu", weights_only=True))
