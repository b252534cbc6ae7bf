"""Generating and fine-tuning language models: bad probabilities, ids outside the table, adapters, no loss."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="nan-probabilities",
        title="Sampling got probabilities that are NaN, infinite or negative",
        why="The logits overflowed or were NaN already: float16 overflows for models trained in bfloat16, weights are damaged or "
        "missing, padding is on the wrong side, or the quantization or attention kernel is faulty.",
        signs=(
            Sign(r"probability tensor contains either"),
            Sign(r"invalid multinomial distribution \((?:encountering probability entry|sum of probabilities|with replacement)"),
            Sign(r"invalid multinomial distribution", FAIR),
            # the message, translated
            Sign(r"`inf`.{0,4}`nan`.{1,16}< 0", FAIR),
            # the CUDA kernels before that message existed
            Sign(r"sampleMultinomial\w{0,30}.{0,240}Assertion"),
            Sign(r"(?:MultinomialKernel\.cu|THCTensorRandom\.cuh?):\d+.{0,240}Assertion"),
            Sign(r"Assertion `?(?:0 <= p4 && p4 <= 1|probability)", FAIR),
            ends_in("transformers/generation/utils.py", "sample|_sample", code=r"torch\.multinomial\("),
            Sign(r"probabilities contain NaN", FAIR),
            Sign(r"Expected parameter (?:probs|logits) \(Tensor of shape \(\d+, \d{5,6}\)\) of distribution Categorical"),
            Sign(r"NaN in the (?:logits|prob)", FAIR),
            Sign(r"cumdist\[size - 1\] > "),
            Sign(r"_assert_async_cuda_kernel.{0,100}input\[0\] != 0", FAIR),
            Sign(r"parameter (?:logits|probs) has invalid values", FAIR),
            Sign(r"probabilities are not non-negative", FAIR, also=(r"torch|softmax|logits",)),
            Sign(r"float values are not JSON compliant", FAIR, also=(r"vllm|sglang|logprob|lmdeploy",)),
        ),
        fixes=(
            Fix(
                "Load the model in bfloat16 (torch_dtype=torch.bfloat16) or float32 (fp32) instead of float16: models trained in bf16 "
                "overflow in fp16.",
                code="model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)",
            ),
            Fix(
                "Find where the NaN begins: print(torch.isnan(logits).any()) before the softmax, and check the weights (complete "
                "download, right adapter, training that did not diverge).",
                code="print(logits.dtype, torch.isnan(logits).any(), torch.isinf(logits).any())",
            ),
            Fix(
                "Check the sampling values (temperature above 0, or do_sample=False) and for batches padding_side='left'; try "
                "attn_implementation='eager'."
            ),
        ),
        explains=("device-side-assert", "device-side-assert-index"),
        refines=("nan-loss",),
        examples=(
            "    next_tokens = torch.multinomial(probs, num_samples=1).squeeze(1)\n"
            "RuntimeError: probability tensor contains either `inf`, `nan` or element < 0",
            "RuntimeError: invalid multinomial distribution (encountering probability entry < 0)",
            "ValueError: Expected parameter logits (Tensor of shape (5, 51865)) of distribution Categorical(logits: torch.Size([5, 51865])) to satisfy the constraint "
            "IndependentConstraint(Real(), 1), but found invalid values:",
            "ValueError: probabilities contain NaN",
        ),
        counterexamples=("loss: nan, probability 0.5",),
    ),
    Cause(
        slug="embedding-index-out-of-range",
        title="A token id (or other index) is outside of the embedding table",
        why="An embedding has num_embeddings rows, and an id must be below that number. Mostly the tokenizer does not belong to the "
        "model or got added tokens, the vocabulary size of the model is too small, "
        "the pad id is -1, or a sequence is longer than the position table.",
        signs=(
            Sign(r"index out of range in self", unless=(r"longer than the specified maximum sequence length",)),
            Sign(r"index out of range: Tried to access index (?P<index>-?\d+) out of table with (?P<rows>\d+) rows"),
            Sign(r"IndexError: index out of range.{0,40}", FAIR, also=(r"F\.embedding\(|torch\.embedding\(",)),
            Sign(r"Padding_idx must be within num_embeddings"),
            Sign(r"srcIndex < srcSelectDimSize", FAIR, also=(r"embed_tokens|F\.embedding\(|token_embedding",)),
            # a traceback of the character-model tutorials, cut off before the message
            Sign(r"IndexError Traceback \(most recent call last\).{0,400}\bgenerate\(", WEAK, also=(r"frames",), unless=(r"IndexError: ",)),
            Sign(r"torch\.embedding\(weight, input.{0,200}IndexError", FAIR),
            Sign(r"index out of range at \S{0,80}/THTensor\w*\.c", also=(r"torch\.embedding|in embedding\b",)),
            Sign(r"index out of range at \S{0,100}THTensor\w{0,20}\.c", FAIR),
            Sign(r"Token id (?P<index>\d+) is out of vocabulary"),
            Sign(r"indices element (?:is )?out of data bounds"),
            Sign(r"IndexError: index out of range", FAIR, also=(r"vocab_size|num_embeddings|image_token_index|input_ids|embedding",)),
            Sign(r"indices\[[\d,]{1,20}\] = (?P<index>\d+) is not in \[0, (?P<rows>\d+)\)", FAIR),
        ),
        fixes=(
            Fix(
                "Make table and ids agree: use the tokenizer of the model; after adding tokens call "
                "model.resize_token_embeddings(len(tokenizer)); in an own model give nn.Embedding(vocab_size, ...) "
                "and the output layer (lm_head, Linear) the same vocab_size as the data.",
                code="model.resize_token_embeddings(len(tokenizer))\nassert input_ids.max() < model.get_input_embeddings().num_embeddings",
            ),
            Fix(
                "Check the ids: input_ids.min() must be 0 or more (a valid pad id, not -1 or -100) and input_ids.max() below the size "
                "of the table; truncate sequences to the number of positions."
            ),
        ),
        refines=("device-side-assert-index",),
        examples=(
            "    return torch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)\nIndexError: index out of range in self",
            "RuntimeError: index out of range: Tried to access index 31002 out of table with 31000 rows. at "
            "/pytorch/aten/src/TH/generic/THTensorEvenMoreMath.cpp:418",
            "ValueError: Token id 151665 is out of vocabulary",
            "IndexError: index out of range. The config has vocab_size 128256 and image_token_index 128256.",
            "onnxruntime: Non-zero status code returned while running Gather node. indices element out of data bounds, idx=50257 must be within the inclusive range [-50257,50256]",
        ),
        counterexamples=("IndexError: list index out of range",),
    ),
    Cause(
        slug="trainer-no-loss",
        title="The model returned no loss to the Trainer, because the batch holds no labels",
        why="A transformers model computes its loss only when it gets labels. The data set has no column of that name, it was removed "
        "as unused, or the collator makes none.",
        signs=(
            Sign(r"model did not return a loss from the inputs, only the following keys: (?P<keys>[^.]{1,100})"),
            Sign(r"model did not return a loss from the inputs"),
            Sign(r"No columns in the dataset match the model's forward method signature", FAIR),
            Sign(r"The batch received was empty, your model won't be able to train", FAIR),
            Sign(r"outputs\[[\"']loss[\"']\] if isinstance\(outputs, dict\).{0,300}KeyError: 'loss'"),
            Sign(r"KeyError: .{0,80}'?eval_loss'", FAIR),
            Sign(
                r"unsupported operand type\(s\) for /=?: 'NoneType' and '(?:int|float)'",
                FAIR,
                also=(r"gradient_accumulation_steps|accelerator\.backward|\bloss = loss",),
            ),
            Sign(
                r"'NoneType' object has no attribute '(?:backward|mean|item|detach)'",
                FAIR,
                also=(r"outputs?\.loss|transformers[/\\]trainer\.py|loss\.(?:backward|mean|item|detach)",),
            ),
            Sign(r"Invalid key: \d+ is out of bounds for size 0", FAIR),
        ),
        fixes=(
            Fix(
                "Give the data set a column 'labels' (for causal language models a copy of input_ids, or "
                "DataCollatorForLanguageModeling(tokenizer, mlm=False)).",
                code='dataset = dataset.map(lambda x: {{"labels": x["input_ids"]}})',
            ),
            Fix(
                "If the column has another name: rename it to labels (dataset.rename_column) or name it in "
                "TrainingArguments(label_names=[...], remove_unused_columns=False)."
            ),
            Fix(
                "Check that the model has a head with a loss (AutoModelForCausalLM, AutoModelForSequenceClassification), not the bare "
                "AutoModel."
            ),
        ),
        examples=(
            "ValueError: The model did not return a loss from the inputs, only the following keys: logits,past_key_values. For "
            "reference, the inputs it received are input_ids,attention_mask.",
            "ValueError: No columns in the dataset match the model's forward method signature. The following columns have been ignored: [text].",
            "    loss = outputs[\"loss\"] if isinstance(outputs, dict) else outputs[0]\nKeyError: 'loss'",
            "    outputs.loss.backward()\nAttributeError: 'NoneType' object has no attribute 'backward'",
        ),
        counterexamples=("KeyError: 'labels'",),
    ),
    Cause(
        slug="peft-target-modules",
        title="The LoRA target modules {modules|of the config} do not exist in this model",
        why="PEFT puts adapters into modules whose names end with target_modules, and these names differ by architecture (q_proj and "
        "v_proj in Llama, query_key_value in Falcon and ChatGLM, c_attn in GPT-2).",
        signs=(
            Sign(r"Target modules (?P<modules>.{1,200}?) not found in the base model"),
            Sign(r"Please specify `?target_modules`? in `?peft_config"),
            Sign(r"No `?target_modules`? passed but also no `?target_parameters"),
            Sign(r"No modules were targeted for adaptation"),
            Sign(r"Target module (?P<modules>.{1,120}?) is not supported\. Currently, only the following modules"),
            ends_in("peft/tuners/tuners_utils.py", "inject_adapter", code=r"raise ValueError\("),
            Sign(r"Target module (?P<modules>.{1,200}?) is not supported\."),
            Sign(r"TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING", FAIR, also=(r"KeyError",)),
            Sign(r"Please specify `?target_modules`? (?:or|in)\b"),
            Sign(r"target_modules.{0,80}not found in the (?:base )?model", FAIR),
        ),
        fixes=(
            Fix(
                "Name modules that this model has: list them with [n for n, _ in model.named_modules()] and set target_modules, for "
                "Llama-like models ['q_proj', 'v_proj'], or target_modules='all-linear'.",
                code="config = LoraConfig(target_modules=['q_proj', 'k_proj', 'v_proj', 'o_proj'], task_type='CAUSAL_LM')",
            ),
            Fix(
                "If PEFT does not know a new model type: upgrade peft, or give target_modules yourself.", commands=("pip install -U peft",)
            ),
        ),
        examples=(
            "ValueError: Target modules {'query_key_value'} not found in the base model. Please check the target modules and try again.",
            "ValueError: Please specify `target_modules` in `peft_config`",
            "ValueError: Target module Conv3d(3, 1280, kernel_size=(2, 14, 14), bias=False) is not supported. Currently, only the following modules are supported: `torch.nn.Linear`, `torch.nn.Embedding`.",
        ),
        counterexamples=("trainable params: 4194304 || all params: 6742609920 || trainable%: 0.06",),
    ),
)
