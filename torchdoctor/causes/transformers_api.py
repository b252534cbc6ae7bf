"""transformers and its neighbours in versions that do not fit the model or the program."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_TYPES = (
    r"llama4?\w*|llava\w*|mistral\w*|mixtral|ministral\w*|qwen\w*|gemma\w*|phi\w*|cohere\w*|chatglm\w*|glm\w*|deepseek\w*|internlm\w*|falcon\w*|olmo\w*|smollm\w*|smolvlm|granite\w*|"
    r"stablelm\w*|starcoder2|whisper|bloom|gpt_neox\w*|gpt_oss|mamba\w*|dbrx|jamba|nemotron\w*|minicpm\w*|exaone\w*|siglip\w*|idefics\w*|paligemma|moonshine|kimi\w*|baichuan|persimmon|mllama|aya\w*|ernie4\w*|hunyuan\w*|seed_oss"
)
_NEW_TYPES = (
    r"qwen[23]\w*|mistral3\w*|ministral3?|mixtral|gemma[234]\w*|phi[34]\w*|deepseek_v\d\w*|llava_\w+|llama4\w*|mllama|gpt_oss|internlm[23]\w*|internvl\w*|"
    r"glm4\w*|glm_\w+|smollm3|smolvlm|granitemoe\w*|olmo[23]\w*|starcoder2|kimi_\w+|minimax\w*|hunyuan_\w+|seed_oss|ernie4\w*|exaone4"
)
"""Model types that are no word of anything else."""
_REMOTE = r"ChatGLM\w*|Florence2\w*|QWen\w*|InternLM2?|InternVL\w*|Baichuan\w*|MiniCPM\w*|Moondream\w*|Phi3V|DeepseekV[23]?|DeepseekVL\w*|Ovis\w*|Llava\w*|XverseFor\w*"
"""Model families whose code comes from their repository."""
_OLD_NAMES = r"(?:\w+ForCausalLM|\w+ForConditionalGeneration|\w+ForImageTextToText|\w+ForVision2Seq|\w+Tokenizer(?:Fast)?|\w+Processor|\w+Config|\w+Cache|Cache|\w+Model|\w+Streamer)"

CAUSES = (
    Cause(
        slug="out-of-date-transformers",
        title="The installed transformers does not know this model ({type|its type or class})",
        why="The config names a model type (or the program a class) that was added to transformers after the installed version. "
        "transformers finds models by that name only.",
        signs=(
            Sign(r"has model type [`'\"]?(?P<type>[\w.-]+)[`'\"]? but Transformers does not recognize this architecture"),
            Sign(r"your version of Transformers is out of date"),
            Sign(r"but Transformers does not recognize this architecture", FAIR),
            Sign(rf"KeyError: '(?P<type>{_TYPES})'", also=(r"CONFIG_MAPPING|configuration_auto\.py|config_class = ",)),
            Sign(rf"KeyError: '(?P<type>{_TYPES})'", FAIR, also=(r"transformers[/\\]models",)),
            Sign(
                r"Tokenizer class (?P<type>(?:(?-i:LlamaTokenizer\w*)|(?!LlamaTokenizer)\w+)) does not exist or is not currently imported",
            ),
            Sign(rf"cannot import name '(?P<type>{_OLD_NAMES})' from '?transformers'?(?! ?\.)", unless=(r"transformers_modules",)),
            Sign(rf"module '?transformers'? has no attribute '?(?P<type>{_OLD_NAMES})"),
            Sign(
                r"data did not match any variant of untagged enum (?P<type>ModelWrapper|PyPreTokenizerTypeWrapper|PreTokenizer\w*|PyNormalizer\w*|\w+Wrapper)"
            ),
            Sign(r"Unrecognized processing class in \S+", FAIR),
            Sign(r"Model architectures \['(?P<type>\w+)'\] are not supported for now"),
            ends_in("transformers/models/auto/configuration_auto.py", "__getitem__", code=r"raise KeyError\(key\)"),
            Sign(r"No module named 'transformers\.models\.(?P<type>\w+)"),
            Sign(rf"KeyError: '(?P<type>{_NEW_TYPES})'", FAIR),
            Sign(r"GGUF model with architecture (?P<type>\S+) is not supported yet"),
            Sign(r"unknown model architecture: '(?P<type>[\w.-]+)'", FAIR),
            Sign(r"Unknown quantization type, got (?P<type>[\w-]+)", FAIR),
            Sign(r"Unknown task (?P<type>[\w-]+), available tasks", FAIR),
            Sign(r"Unrecognized (?:image processor|feature extractor|video processor|processor) in \S+", FAIR),
            Sign(r"Tokenizer(?:Fast)?' object has no attribute '(?P<type>apply_chat_template)'"),
        ),
        fixes=(
            Fix(
                "Upgrade transformers (and tokenizers) in the environment that runs the program: the model needs a newer version.",
                commands=("pip install -U transformers tokenizers",),
            ),
            Fix(
                "For a very new model install the development version; for a server such as vLLM or a web UI upgrade that program, "
                "which brings its own transformers.",
                commands=("pip install git+https://github.com/huggingface/transformers",),
            ),
            Fix(
                "If a pin keeps it old, check what holds it, and restart the notebook kernel after the update.",
                commands=("pip show transformers",),
            ),
        ),
        refines=("module-not-installed",),
        unless=(r"from 'transformers' \(unknown location\)", r"peft[/\\].{1,400}cannot import name"),
        examples=(
            "ValueError: The checkpoint you are trying to load has model type `qwen3` but Transformers does not recognize this "
            "architecture. This could be because of an issue with the checkpoint, or because your version of Transformers is out of "
            "date.",
            '  File "/opt/venv/lib/python3.9/site-packages/transformers/models/auto/configuration_auto.py", line 650, in '
            "__getitem__\n    raise KeyError(key)\nKeyError: 'mistral'",
            "ImportError: cannot import name 'LlamaTokenizer' from 'transformers' "
            "(/opt/venv/lib/python3.8/site-packages/transformers/__init__.py)",
            "ValueError: Tokenizer class Qwen2Tokenizer does not exist or is not currently imported.",
            "ModuleNotFoundError: No module named 'transformers.models.qwen2_vl'",
            "AttributeError: 'LlamaTokenizerFast' object has no attribute 'apply_chat_template'",
            "ValueError: Tokenizer class LlamaTokenizer does not exist or is not currently imported.",
            "KeyError: 'qwen3_moe'",
        ),
        counterexamples=("KeyError: 'label'", "KeyError: 'llama'\n  File \"prices.py\", line 3, in <module>"),
    ),
    Cause(
        slug="remote-code-vs-transformers",
        title="The model's own code (trust_remote_code) does not fit the installed transformers ({name|an API that changed})",
        why="The repository brings its own modeling file, written for a certain transformers version. Newer versions removed or "
        "renamed what it uses (parts of the cache API, helper functions, generation mixins).",
        signs=(
            Sign(r"DynamicCache['\"`]? object has no attribute ['\"`]?(?P<name>\w+)"),
            Sign(
                r"(?:Dynamic|Static|Encoder\w*|Hybrid)?Cache\W{1,3}.{1,30}(?P<name>get_max_length|seen_tokens|get_usable_length|from_legacy_cache|key_cache|value_cache|_seen_tokens)"
            ),
            Sign(
                r"cannot import name '(?P<name>\w+)' from 'transformers\.[\w.]+'",
                also=(r"transformers_modules|trust_remote_code|modeling_\w+\.py",),
            ),
            Sign(
                r"cannot import name "
                r"'(?P<name>is_torch_fx_available|is_flash_attn_available|is_flash_attn_greater_or_equal_2_10|LossKwargs|SlidingWindowCache|HybridCache|QuantizedCacheConfig|add_start_docstrings_to_model_forward|"
                r"top_k_top_p_filtering|_prepare_4d_causal_attention_mask\w*|DisjunctiveConstraint|BeamSearchScorer|SampleOutput|GreedySearchDecoderOnlyOutput|find_pruneable_heads_and_indices|prune_linear_layer|apply_chunking_to_forward|shard_checkpoint|is_torch_greater_or_equal_than_1_13)' "
                r"from 'transformers"
            ),
            Sign(
                r"transformers_modules[/\\.].{0,600}(?:AttributeError|ImportError): (?P<name>.{1,80})",
                FAIR,
                unless=(r"flash_attn|No module named",),
            ),
            Sign(
                r"'\w+(?:ForCausalLM|LMHeadModel|ForConditionalGeneration|PreTrainedModel)' object has no attribute "
                r"'(?P<name>generate|_extract_past_from_model_output|all_tied_weights_keys|_set_gradient_checkpointing|prepare_inputs_for_generation)'"
            ),
            Sign(r"'(?:ChatGLM|QWen|Baichuan|InternLM\w*)Tokenizer' object has no attribute '(?P<name>\w+)'"),
            Sign(r"(?:ChatGLM|QWen|Baichuan)\w*Tokenizer\._pad\(\) got an unexpected keyword argument '(?P<name>padding_side)'"),
            Sign(r"'(?P<name>\w+Config)' object has no attribute '(?:get_text_config|_attn_implementation\w*|pad_token_id|rope_scaling)'"),
            Sign(r"'\w+Config' object has no attribute '(?P<name>\w+)'", FAIR, also=(r"transformers_modules|trust_remote_code",)),
            Sign(r"_update_model_kwargs_for_generation\(\) got an unexpected keyword argument '(?P<name>\w+)'"),
            Sign(
                r"'\w{2,60}' object has no attribute '(?P<name>_supports_sdpa|_supports_flash_attn\w*|all_tied_weights_keys|_extract_past_from_model_output|standardize_cache_format)'"
            ),
            Sign(
                rf"'(?:{_REMOTE})(?:Config|Model|Tokenizer|ForConditionalGeneration|ForCausalLM|ChatModel)?' object has no attribute '(?P<name>\w+)'",
                FAIR,
            ),
            Sign(
                r"object has no attribute '(?P<name>generate|_sample)'",
                FAIR,
                also=(r"transformers_modules|trust_remote_code|GenerationMixin|PreTrainedModel",),
            ),
            Sign(r"property '(?P<name>\w+_token)' of '\w+' object has no setter"),
            Sign(r"can't set attribute '(?P<name>(?:eos|pad|bos|unk)_token)'"),
            Sign(
                r"'tuple' object has no attribute '(?P<name>get_seq_length|to_legacy_cache|get_usable_length|update)'",
                also=(r"past_key_value|cache|modeling_",),
            ),
            Sign(r"transformers_modules[/\\.].{0,600}TypeError: (?P<name>.{1,80})", FAIR, unless=(r"flash_attn|No module named",)),
            Sign(r"past_key_values\[0\]\[0\]\.shape.{0,200}'NoneType' object", FAIR),
            Sign(
                r"cannot import name '(?P<name>Llama\w{0,10}Attention2?|LlamaLinearScalingRotaryEmbedding|LlamaDynamicNTKScalingRotaryEmbedding|_expand_mask|_make_causal_mask)' from 'transformers"
            ),
            Sign(r"RotaryEmbedding' object has no attribute '(?P<name>cos_cached|sin_cached)'", FAIR),
            Sign(r"module 'transformers_modules\.[\w.-]{1,200}' has no attribute '(?P<name>\w+)'", FAIR),
        ),
        fixes=(
            Fix(
                "If transformers has this model built in, load it with trust_remote_code=False (leave the argument out).",
                code="model = AutoModelForCausalLM.from_pretrained(name)   # trust_remote_code=False",
            ),
            Fix(
                "Otherwise pin (downgrade to) the transformers version that the repository names (config.json, key transformers_version), or "
                "update its files: download the newest modeling code of the model.",
                commands=("pip install transformers==VERSION_OF_THE_CONFIG",),
            ),
            Fix("Only for a cache error: use_cache=False avoids the removed cache API, at the price of slow generation."),
        ),
        refines=("out-of-date-transformers", "library-argument-renamed"),
        examples=(
            '  File "/home/u/.cache/huggingface/modules/transformers_modules/org/name/abc123/modeling_x.py", line 1291, in '
            "prepare_inputs_for_generation\n"
            "AttributeError: 'DynamicCache' object has no attribute 'seen_tokens'",
            "ImportError: cannot import name 'is_torch_fx_available' from 'transformers.utils.import_utils'",
            "TypeError: ChatGLMTokenizer._pad() got an unexpected keyword argument 'padding_side'",
            "AttributeError: 'Florence2ForConditionalGeneration' object has no attribute '_supports_sdpa'",
            "AttributeError: property 'eos_token' of 'ChatGLM4Tokenizer' object has no setter",
            "AttributeError: 'ChatGLMConfig' object has no attribute 'max_length'",
        ),
        counterexamples=(
            "AttributeError: 'Cache' object has no attribute 'ttl'",
            "AttributeError: 'tuple' object has no attribute 'shape'",
        ),
    ),
    Cause(
        slug="rope-scaling-validation",
        title="This transformers is too old for the rope_scaling of the model (Llama 3.1 and newer)",
        why="Llama 3.1 brought a rope_scaling dictionary with five fields (rope_type 'llama3', low and high frequency factors). "
        "transformers before 4.43 accepts only two fields, type and factor.",
        signs=(
            Sign(r"rope_scaling`? must be a dictionary with (?:with )?(?:two fields|a minimum of two fields)"),
            Sign(r"rope_scaling.{0,60}must be a dictionary with .{0,10}two fields"),
            Sign(r"Unknown RoPE scaling type (?:llama3|extended)\b"),
            ends_in("llama/configuration_llama.py", "_rope_scaling_validation"),
        ),
        fixes=(
            Fix("Upgrade transformers to 4.43 or newer (vLLM: 0.5.3.post1 or newer).", commands=('pip install -U "transformers>=4.43"',)),
            Fix("Do not cut the fields out of config.json to silence the error: the model would then answer wrongly beyond 8192 tokens."),
        ),
        refines=("rope-config-invalid",),
        examples=(
            "ValueError: `rope_scaling` must be a dictionary with two fields, `type` and `factor`, got {'factor': 8.0, "
            "'low_freq_factor': 1.0, 'high_freq_factor': 4.0, 'original_max_position_embeddings': 8192, 'rope_type': 'llama3'}",
            "ValueError: Unknown RoPE scaling type llama3",
        ),
        counterexamples=("KeyError: \"Missing required keys in `rope_scaling` for 'rope_type'='yarn': {'factor'}\"",),
    ),
    Cause(
        slug="rope-config-invalid",
        title="The rope_scaling (rope_parameters) of the config has an unknown type or lacks a field ({missing|see the message})",
        why="Each rope type needs its own fields (factor, original_max_position_embeddings, short_factor and long_factor...). The "
        "config names a type that this transformers does not know, or misses one of them.",
        signs=(
            Sign(r"Missing required keys in `?rope_(?:scaling|parameters)`? for 'rope_type'='(?P<type>\w+)': (?P<missing>[^ ]{1,80})"),
            Sign(r"Unrecognized keys in `?rope_(?:scaling|parameters)`?", WEAK, also=(r"Traceback|Error: ",)),
            Sign(r"rope_scaling`?'s (?:type|rope_type|name|factor|short_factor|long_factor) field must"),
            Sign(r"Unknown RoPE (?:scaling )?type:? (?P<type>\w+)"),
            Sign(r"Missing validation function mapping in `?ROPE_VALIDATION_FUNCTIONS`?"),
            Sign(r"ROPE_INIT_FUNCTIONS\[", also=(r"KeyError: '\w+'",), near=300),
            Sign(r"KeyError: '(?P<missing>rope_type|rope_theta|type|factor)'", also=(r"rope_scaling|rope_parameters",), near=500),
            Sign(r"rope_(?:scaling|parameters).{0,80}must (?:be|have|contain)", FAIR),
            Sign(r"rope_(?:scaling|parameters)`? should have a '?(?P<missing>rope_type|type)'? key"),
            Sign(r"assert [\"'](?P<missing>factor)[\"'] in rope_scaling"),
            Sign(r"KeyError: ['\"](?P<missing>rope_type|mrope_section|long_factor|short_factor)['\"]", FAIR),
            Sign(
                r"KeyError: '(?P<missing>type|factor|default|llama3)'",
                also=(r"rope_config_validation|modeling_rope_utils|rope_scaling",),
                near=800,
            ),
            Sign(r"rope_scaling\[[\"'](?P<missing>mrope_section)[\"']\].{0,200}Error", FAIR),
            Sign(r"'\w+Config' object has no attribute '(?P<missing>rope_theta|rope_parameters)'", FAIR),
        ),
        fixes=(
            Fix(
                "Use a rope_type that the installed transformers supports, with all of its fields (factor, "
                "original_max_position_embeddings; for longrope short_factor and long_factor) in rope_scaling of config.json.",
            ),
            Fix("Or upgrade transformers: the type may be newer than the installed version.", commands=("pip install -U transformers",)),
            Fix(
                "If the repository brings its own code for an older API (KeyError 'default' with transformers 5), pin the transformers "
                "version that it was written for."
            ),
        ),
        examples=(
            "KeyError: \"Missing required keys in `rope_scaling` for 'rope_type'='longrope': {'short_factor'}\"",
            "ValueError: `rope_scaling`'s type field must be one of ['linear', 'dynamic'], got yarn",
            "    self.rope_init_fn = ROPE_INIT_FUNCTIONS[self.rope_type]\nKeyError: 'default'",
            "Value error, rope_scaling should have a 'rope_type' key [type=value_error, input_value=ArgsKwargs((), {'model': ...}), input_type=ArgsKwargs]",
            '    assert "factor" in rope_scaling\nAssertionError',
            "  File \"/opt/venv/transformers/models/llama/configuration_llama.py\", line 192, in __init__\n    rope_config_validation(self)\nKeyError: 'rope_type'",
        ),
        counterexamples=("rope_scaling: null",),
    ),
)
