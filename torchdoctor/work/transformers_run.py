"""The small Llama through the patient's own transformers, and with ``device_map="auto"`` where accelerate is installed."""

from __future__ import annotations

import importlib.util
import tempfile
from typing import Any

import torch

from torchdoctor.facts import TransformersRun
from torchdoctor.work.llama import Llama, LlamaConfig, seeded
from torchdoctor.work.measure import Record, deviation, to_reference

CONFIG = LlamaConfig(vocab_size=256)
SEED = 20
PROMPT = tuple((7 * i) % 250 + 1 for i in range(24))


def _theirs(config: LlamaConfig, ours: Llama) -> Any:
    """``LlamaForCausalLM`` with the same weights, in float32 on the CPU."""
    import transformers

    library: Any = transformers  # its signatures change from version to version
    model = library.LlamaForCausalLM(
        library.LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.kv_heads,
            head_dim=config.head_dim,
            rms_norm_eps=config.rms_norm_eps,
            rope_theta=config.rope_theta,
            tie_word_embeddings=False,
        )
    )
    missing, unexpected = model.load_state_dict({k: v.to(torch.float32) for k, v in ours.state_dict().items()}, strict=False)
    if unexpected or any("inv_freq" not in name for name in missing):
        raise RuntimeError(f"transformers names its weights otherwise: missing {missing}, unexpected {unexpected}")
    return model.eval()


def run_transformers(device: str) -> TransformersRun:
    """Run the same prompt through transformers on ``device`` and compare with the float64 reference. Raises nothing."""
    if importlib.util.find_spec("transformers") is None:
        return TransformersRun(device, not_run="transformers is not installed")
    record = Record(TransformersRun, device=device, layers=CONFIG.layers)
    with record, torch.no_grad():
        record.begin("import transformers")
        import transformers

        record.set(version=transformers.__version__)
        record.begin("float64 reference on the CPU")
        ours = seeded(CONFIG, SEED)
        tokens = torch.tensor([PROMPT])
        reference = ours(tokens)
        record.begin("LlamaForCausalLM")
        model = _theirs(CONFIG, ours)
        record.begin(f"forward on {device}")
        logits = model.to(device)(tokens.to(device)).logits
        record.set(forward=deviation(to_reference(logits), reference))
        if importlib.util.find_spec("accelerate") is not None and device != "cpu":
            import accelerate

            record.set(accelerate=accelerate.__version__)
            record.begin('from_pretrained(device_map="auto")')
            with tempfile.TemporaryDirectory() as folder:
                model.cpu().save_pretrained(folder)
                placed = transformers.LlamaForCausalLM.from_pretrained(folder, device_map="auto", torch_dtype=torch.float32)
            record.set(auto_device=str(placed.device))
            record.set(auto=deviation(to_reference(placed(tokens.to(placed.device)).logits), reference))
    return record.result()
