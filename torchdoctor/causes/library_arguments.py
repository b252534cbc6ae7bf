"""Arguments and attributes that a library renamed or removed."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="library-argument-renamed",
        title="The argument {argument|in the message} does not exist in the installed version of the library",
        why="Libraries rename and remove arguments between versions: the program was written for another version of {function|the "
        "called function} than the one installed.",
        signs=(
            Sign(
                r"(?P<function>(?:Seq2Seq)?TrainingArguments|(?:SFT|DPO|PPO|GRPO|ORPO|KTO|Reward)(?:Config|Trainer)|Seq2SeqTrainer|Accelerator|DataLoaderConfiguration|LoraConfig|\w*LoraConfig|AdaLoraConfig|"
                r"BitsAndBytesConfig|GradScaler|DataLoader|AdamW?|Optimizer|\w+LR|ReduceLROnPlateau|FullyShardedDataParallelPlugin|LLM|EngineArgs|SamplingParams|GenerationConfig)(?:\.__init__|\.__new__)?\(\) "
                r"got an unexpected keyword argument '(?P<argument>\w+)'"
            ),
            # many programs have a Trainer of their own: only arguments that a library's one had or has
            Sign(
                r"(?P<function>\bTrainer)(?:\.__init__)?\(\) got an unexpected keyword argument "
                r"'(?P<argument>tokenizer|processing_class|compute_metrics|data_collator|eval_dataset|train_dataset|model_init|"
                r"compute_loss_func|peft_config|dataset_text_field|max_seq_length|formatting_func|packing|gpus|tpu_cores|"
                r"auto_select_gpus|distributed_backend|progress_bar_refresh_rate|weights_summary|checkpoint_callback|"
                r"resume_from_checkpoint|amp_backend|amp_level|replace_sampler_ddp|use_distributed_sampler|accelerator|devices|"
                r"num_nodes|strategy|precision|enable_progress_bar|track_grad_norm|terminate_on_nan|auto_lr_find)'"
            ),
            Sign(
                r"init(?:__)?\(\) got an unexpected keyword argument "
                r"'(?P<argument>evaluation_strategy|eval_strategy|use_auth_token|torch_dtype|dispatch_batches|use_seedable_sampler|logging_dir|dataset_text_field|max_seq_length|"
                r"processing_class|corda_config|eva_config|exclude_modules|lora_bias|trainable_token_indices|no_cuda|use_mps_device|overwrite_output_dir|include_tokens_per_second|group_by_length|fp16_backend|"
                r"bnb_4bit_compute_dtype|load_in_4bit|load_in_8bit|attn_implementation|device_map|low_cpu_mem_usage|trust_remote_code|use_flash_attention_2|gradient_checkpointing_kwargs)'"
            ),
            Sign(r"compute_loss\(\) got an unexpected keyword argument '(?P<argument>num_items_in_batch|return_outputs)'"),
            Sign(
                r"(?P<function>unwrap_model|from_pretrained|from_config|save_pretrained|init_process_group|_save_checkpoint|training_step|prepare_model_for_\w+|get_peft_model|evaluation_loop|scaled_dot_product_attention|"
                r"clip_grad_norm_|autocast|all_gather_into_tensor|fully_shard|checkpoint)\(\) got an unexpected keyword argument "
                r"'(?P<argument>\w+)'"
            ),
            Sign(r"'(?P<argument>weights_only|mmap)' is an invalid keyword argument for (?:Unpickler|load)\(\)"),
            Sign(
                r"got an unexpected keyword argument "
                r"'(?P<argument>evaluation_strategy|use_auth_token|num_items_in_batch|dispatch_batches|weights_only|assign|enable_gqa|attn_implementation|cache_position|logits_to_keep|device_id)'",
                FAIR,
            ),
            Sign(r"'(?P<function>(?:Seq2Seq)?TrainingArguments)' object has no attribute '(?P<argument>\w+)'"),
            Sign(r"'(?P<function>\w{0,20}Trainer)' object has no attribute '(?P<argument>tokenizer|processing_class)'"),
            Sign(r"not used by the HfArgumentParser: \['(?:--)?(?P<argument>\w+)", FAIR),
            Sign(
                r"unrecognized arguments: .{0,120}--(?P<argument>evaluation_strategy|eval_strategy|use_auth_token|fp16_backend|local-rank)\b",
                FAIR,
                unless=(r"--local[-_]rank",),
            ),
            Sign(r"model_kwargs`? are not used by the model: \['(?P<argument>\w+)'", FAIR),
            Sign(r"(?P<function>training_step|compute_loss)\(\) takes (?:from \d to )?\d positional arguments but \d were given"),
            Sign(r"(?P<function>mel)\(\) takes 0 positional arguments but \d"),
            Sign(
                r"(?P<function>ModelCheckpoint|stft|istft|get_peft_model_state_dict|dispatch_model|set_module_tensor_to_device|load_dataset|hf_hub_download|cached_file|"
                r"cached_download|snapshot_download|generate)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<argument>\w+)'",
                FAIR,
            ),
            Sign(
                r"__init__\(\) got an unexpected keyword argument '(?P<argument>dtype|torch_dtype)'",
                FAIR,
                also=(r"transformers|diffusers|from_pretrained|For\w+\.__init__|Model\.__init__",),
            ),
            Sign(
                r"forward\(\) got an unexpected keyword argument '(?P<argument>token_type_ids|cache_position|num_items_in_batch|labels|position_embeddings)'",
                FAIR,
            ),
        ),
        fixes=(
            Fix(
                "Use the new name of the argument {argument|}, or leave it out: the library's changelog (or help) of the installed "
                "version says which (evaluation_strategy became eval_strategy, tokenizer became processing_class, torch_dtype became "
                "dtype, use_auth_token became token).",
            ),
            Fix(
                "Or install (pin) the version that the program was written for; if the argument is newer than your version, upgrade "
                "the library.",
                commands=("pip show transformers trl peft accelerate torch", "pip install -U transformers trl peft accelerate"),
            ),
        ),
        examples=(
            "TypeError: TrainingArguments.__init__() got an unexpected keyword argument 'evaluation_strategy'",
            "TypeError: SFTConfig.__init__() got an unexpected keyword argument 'max_seq_length'",
            "TypeError: compute_loss() got an unexpected keyword argument 'num_items_in_batch'",
            "TypeError: 'weights_only' is an invalid keyword argument for Unpickler()",
            "TypeError: MyTrainer.training_step() takes 3 positional arguments but 4 were given",
            "AttributeError: 'TrainingArguments' object has no attribute 'evaluation_strategy'",
            "TypeError: mel() takes 0 positional arguments but 2 positional arguments (and 3 keyword-only arguments) were given",
            "ValueError: The following `model_kwargs` are not used by the model: ['token_type_ids'] (note: typos in the generate arguments will also show up in this list)",
        ),
        counterexamples=(
            "TypeError: build_dataset() got an unexpected keyword argument 'split'",
            "TypeError: build() takes 3 positional arguments but 4 were given",
        ),
    ),
)
