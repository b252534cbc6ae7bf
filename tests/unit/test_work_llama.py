"""The small Llama against transformers, and against itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the work needs torch")

from torchdoctor.work.checkpoint import CheckpointError, config_from_hf, from_hf_state_dict, load_hf_folder, read_safetensors  # noqa: E402
from torchdoctor.work.generate import generate, nucleus, sample_top_p  # noqa: E402
from torchdoctor.work.llama import LlamaConfig, seeded  # noqa: E402

torch.set_num_threads(1)  # tiny operators on shared machines

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
SHAPES = {
    "grouped": {"num_key_value_heads": 2},
    "multi-head": {"num_key_value_heads": 4},
    "multi-query": {"num_key_value_heads": 1},
    "tied": {"num_key_value_heads": 2, "tie_word_embeddings": True},
    "theta": {"num_key_value_heads": 2, "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}},
    "llama3": {"num_key_value_heads": 2, "rope_parameters": {**LLAMA3, "rope_theta": 10000.0}},
    "wide-head": {"num_key_value_heads": 2, "head_dim": 32},
    "biased": {"num_key_value_heads": 2, "attention_bias": True, "mlp_bias": True},
}


def hugging_face(shape: str, dtype: Any = torch.float32, attention: str = "eager", **more: Any) -> Any:
    """A LlamaForCausalLM with weights that depend only on its shape."""
    transformers = pytest.importorskip("transformers", reason="the comparison needs transformers")
    values = {
        "vocab_size": 96,
        "hidden_size": 64,
        "intermediate_size": 112,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "eos_token_id": 5,
        "initializer_range": 0.2,
        **SHAPES[shape],
        **more,
    }
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**values, attn_implementation=attention)
    model = transformers.LlamaForCausalLM(config).to(dtype).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def ours(model: Any) -> Any:
    return from_hf_state_dict(config_from_hf(model.config.to_dict()), model.state_dict())


def tokens(rows: int = 2, length: int = 24) -> Any:
    return torch.randint(0, 96, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("attention", ["math", "sdpa"])
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_is_that_of_transformers_in_float32(shape: str, attention: str) -> None:
    theirs = hugging_face(shape)
    ids = tokens()
    with torch.no_grad():
        expected, got = theirs(ids).logits, ours(theirs)(ids, attention=attention)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_is_that_of_transformers_in_float64(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers narrows norms to float32 whatever the dtype: taken out, the two agree to the last digits."""
    theirs = hugging_face(shape, torch.float64, attention="sdpa")
    theirs.model.rotary_emb.inv_freq = ours(theirs).model.inv_freq  # .to(float64) had left theirs as it was rounded
    norm = type(theirs.model.norm)
    monkeypatch.setattr(
        norm, "forward", lambda self, x: self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
    )
    ids = tokens()
    with torch.no_grad():
        expected, got = theirs(ids).logits, ours(theirs)(ids)
    assert got.dtype == torch.float64
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_padding_on_the_left_is_that_of_transformers() -> None:
    theirs = hugging_face("grouped")
    ids = tokens(2, 12)
    real = torch.ones(2, 12, dtype=torch.bool)
    real[1, :5] = False
    positions = (real.long().cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        expected = theirs(ids, attention_mask=real.long(), position_ids=positions).logits
        got = ours(theirs)(ids, real=real)
    torch.testing.assert_close(got[real], expected[real], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("attention", ["math", "sdpa"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_batch_is_each_prompt_alone(side: str, attention: str) -> None:
    model = seeded(LlamaConfig(), 1)
    rows = [tokens(1, 9)[0] % 64, tokens(1, 4)[0] % 64]
    ids, real = torch.zeros(2, 9, dtype=torch.int64), torch.zeros(2, 9, dtype=torch.bool)
    for number, row in enumerate(rows):
        place = slice(9 - len(row), 9) if side == "left" else slice(0, len(row))
        ids[number, place], real[number, place] = row, True
    together = model(ids, real=real, attention=attention)
    assert together.isfinite().all()
    for number, row in enumerate(rows):
        torch.testing.assert_close(together[number][real[number]], model(row[None])[0], rtol=1e-10, atol=1e-10)


def test_cache_gives_what_the_whole_sequence_gives() -> None:
    model = seeded(LlamaConfig(), 2)
    ids = tokens(2, 12) % 64
    whole, cache = model(ids), model.new_cache(2, 12)
    pieces = [model(ids[:, :5], cache), model(ids[:, 5:8], cache)] + [model(ids[:, i : i + 1], cache) for i in range(8, 12)]
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-10, atol=1e-10)


def test_weights_are_the_same_in_every_dtype() -> None:
    reference = seeded(LlamaConfig(), 3)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        for (name, wide), (_, narrow) in zip(reference.named_parameters(), seeded(LlamaConfig(), 3, dtype).named_parameters()):
            assert torch.equal(wide, narrow.double()), name


def test_angles_stay_in_float32_when_the_model_is_narrowed() -> None:
    model = seeded(LlamaConfig(), 3)
    expected = model.model.inv_freq.clone()
    assert model.to(torch.bfloat16).model.inv_freq.dtype == torch.float32
    assert torch.equal(model.model.inv_freq, expected)


def test_tied_weights_are_one_parameter() -> None:
    model = seeded(LlamaConfig(tied=True), 1, torch.float32).to(torch.bfloat16)
    assert model.lm_head.weight is model.model.embed_tokens.weight


@pytest.mark.parametrize("shape", ["grouped", "tied", "llama3"])
@pytest.mark.parametrize("shards", [False, True])
def test_checkpoint_folder_saved_by_transformers(shape: str, shards: bool, tmp_path: Path) -> None:
    theirs = hugging_face(shape)
    theirs.save_pretrained(tmp_path, max_shard_size="60KB" if shards else "1GB")
    assert (tmp_path / "model.safetensors.index.json").exists() == shards
    ids = tokens()
    with torch.no_grad():
        torch.testing.assert_close(load_hf_folder(str(tmp_path))(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)


def test_checkpoint_folder_with_a_pickle(tmp_path: Path) -> None:
    theirs = hugging_face("grouped", torch.bfloat16)
    theirs.config.save_pretrained(tmp_path)
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    model = load_hf_folder(str(tmp_path))
    assert model.lm_head.weight.dtype == torch.bfloat16
    assert torch.equal(model.lm_head.weight, theirs.lm_head.weight)
    assert model.config.eos == (5,)


def test_old_config_keys() -> None:
    config = config_from_hf(
        {
            "vocab_size": 8,
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "rope_theta": 7.0,
            "rope_scaling": {"type": "linear", "factor": 2.0},
            "eos_token_id": [1, 2],
        }
    )
    assert (config.rope_theta, config.rope_scaling, config.kv_heads, config.head_dim) == (7.0, {"type": "linear", "factor": 2.0}, 2, 4)
    assert config.eos == (1, 2)


def test_broken_checkpoints_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not 'llama'"):
        config_from_hf({"model_type": "gpt2"})
    whole = hugging_face("grouped")
    whole.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    content = file.read_bytes()
    for cut in (0, 4, 100, len(content) - 1):
        file.write_bytes(content[:cut])
        with pytest.raises(CheckpointError, match="cut off"):
            load_hf_folder(str(tmp_path))
    file.unlink()
    with pytest.raises(CheckpointError, match=r"neither model\.safetensors"):
        load_hf_folder(str(tmp_path))
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-00001-of-00001.safetensors"}}))
    with pytest.raises(CheckpointError, match=r"model-00001-of-00001\.safetensors, which is not there"):
        load_hf_folder(str(tmp_path))
    with pytest.raises(CheckpointError, match=r"lm_head\.weight"):
        from_hf_state_dict(LlamaConfig(), {"model.norm.weight": torch.ones(64)})


def test_safetensors_of_every_dtype(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch", reason="writing needs safetensors").save_file
    names = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    tensors = {name: torch.tensor([[0, 1, 1], [1, 0, 1]]).to(getattr(torch, name)) for name in names}
    tensors["empty"] = torch.zeros(0, 4)
    tensors["scalar"] = torch.tensor(3.5)
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    read = read_safetensors(str(tmp_path / "x.safetensors"))
    assert read.keys() == tensors.keys()
    for name, value in tensors.items():
        assert read[name].dtype == value.dtype and torch.equal(read[name], value), name


# ------------------------------------------------------------------------------------------------ generation


def test_greedy_generation_is_that_of_transformers() -> None:
    theirs = hugging_face("grouped", torch.float64)
    ids = tokens(1, 7)
    expected = theirs.generate(ids, max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0)[0, 7:]
    got = generate(ours(theirs), ids.tolist(), 8, stop=())[0]
    assert list(got.tokens) == expected.tolist() and not got.stopped


def test_prompts_of_different_lengths_and_stop_tokens() -> None:
    model = seeded(LlamaConfig(), 4)
    prompts = [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10], [11]]
    alone = [generate(model, [prompt], 6)[0] for prompt in prompts]
    assert [done.tokens for done in generate(model, prompts, 6)] == [done.tokens for done in alone]
    assert all(len(done.tokens) == 6 and not done.stopped for done in alone)
    end = alone[0].tokens[2]
    stopped = generate(model, prompts, 6, stop=(end,))
    for done, full in zip(stopped, alone):
        expected = full.tokens[: full.tokens.index(end)] if end in full.tokens else full.tokens
        assert done.tokens == expected and done.stopped == (end in full.tokens)
        assert len(done.logprobs) == len(done.tokens)


def test_stop_token_inside_a_prompt_does_not_count() -> None:
    model = seeded(LlamaConfig(), 4)
    plain = generate(model, [[1, 2, 3, 9]], 3)[0]
    inside = next(token for token in (2, 3) if token not in plain.tokens)
    together = generate(model, [[1], [1, 2, 3, 9]], 3, stop=(inside,))[1]
    assert together.tokens == plain.tokens and not together.stopped


def test_logprobs_are_those_of_the_full_forward() -> None:
    model = seeded(LlamaConfig(), 5)
    done = generate(model, [[3, 1, 4]], 4)[0]
    ids = torch.tensor([[3, 1, 4, *done.tokens]])
    expected = model(ids)[0, 2:-1].log_softmax(-1).gather(-1, ids[0, 3:, None])[:, 0]
    assert done.logprobs == pytest.approx(expected.tolist(), abs=1e-10)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        generate(seeded(LlamaConfig(), 1), [[1], []], 1)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=12), st.floats(0.0, 1.0), st.integers(0, 2**31))
@settings(max_examples=80, deadline=None)
def test_sampling_obeys_the_smallest_set_whose_mass_exceeds_p(weights: list[int], top_p: float, seed: int) -> None:
    probabilities = torch.tensor([weights], dtype=torch.float64) / sum(weights)
    ordered, inside, numbers = nucleus(probabilities, top_p)
    mass = ordered[0].cumsum(-1).tolist()
    size = int(inside.sum())
    assert inside[0].tolist() == [True] * size + [False] * (len(weights) - size)
    assert size == len(weights) or mass[size - 1] > top_p - 1e-12
    assert size == 1 or mass[size - 2] <= top_p + 1e-12
    rows = probabilities.expand(16, -1)
    chosen = sample_top_p(rows, top_p, torch.Generator().manual_seed(seed))
    assert set(chosen.tolist()) <= set(numbers[0, :size].tolist())
    assert torch.equal(chosen, sample_top_p(rows, top_p, torch.Generator().manual_seed(seed)))


def test_sampling_draws_in_proportion() -> None:
    rows = torch.tensor([[0.5, 0.3, 0.15, 0.05]], dtype=torch.float64).expand(20000, -1)
    counts = torch.bincount(sample_top_p(rows, 0.9, torch.Generator().manual_seed(0)), minlength=4) / 20000
    assert counts.tolist() == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.0], abs=0.015)
