"""Meta's reference code for Llama: its format, its limits, and its commands as they are pasted."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="batch-size-assertion",
        title="More prompts were given ({have|the batch}) than max_batch_size allows ({limit|the limit})",
        why="Meta's reference code reserves the key/value cache for max_batch_size sequences when the model is built, and asserts that "
        "a call does not bring more.",
        signs=(
            Sign(r"bsz <= (?:self\.)?params\.max_batch_size.{0,120}AssertionError: \((?P<have>\d+), (?P<limit>\d+)\)"),
            Sign(r"assert bsz <= (?:self\.)?params\.max_batch_size", unless=(r"def generate\( ?self,",)),
            Sign(
                r"AssertionError: \((?P<have>\d+), (?P<limit>\d+)\)",
                FAIR,
                also=(r"llama|generation\.py",),
                unless=(r"max_seq_len, \(|total_len",),
            ),
            Sign(r"max_batch_size <= (?:self\.)?model_config\.max_batch_size"),
            Sign(
                r"batch[ _]size:? \(?(?P<have>\d+)\)? (?:exceeds|is (?:larger|greater) than|cannot be (?:larger|greater) than) .{0,30}max(?:imum)?[ _]batch[ _]?size \(?(?P<limit>\d+)",
                FAIR,
            ),
            Sign(r"exceed min ~ max range at index 0, maximum dimension in profile is (?P<limit>\d+)", FAIR),
        ),
        fixes=(
            Fix(
                "Raise the limit to at least the number of prompts: --max_batch_size {have|N} (it costs memory for the cache).",
                commands=(
                    "torchrun --nproc_per_node 1 example_chat_completion.py --ckpt_dir CKPT_DIR --tokenizer_path tokenizer.model "
                    "--max_seq_len 512 --max_batch_size {have|8}",
                ),
            ),
            Fix("Or pass fewer prompts in one call, and split a longer list into batches."),
            Fix(
                "TensorRT and TensorRT-LLM: the limit is built into the engine. Build it again with a larger --max_batch_size (trtllm-build --max_batch_size N), or lower the batch size (fewer prompts) of the run to it."
            ),
        ),
        examples=(
            '  File "/srv/llama/llama/generation.py", line 158, in generate\n'
            "    assert bsz <= params.max_batch_size, (bsz, params.max_batch_size)\nAssertionError: (8, 4)",
            "    assert max_batch_size <= model_config.max_batch_size\nAssertionError",
            "[TensorRT-LLM][ERROR] batch size 16 exceeds max batch size 8",
        ),
        counterexamples=('AssertionError: (3, 2)\n  File "grid.py", line 9',),
    ),
    Cause(
        slug="hf-folder-given-to-meta-code",
        title="Meta's reference code was given a model folder in the Hugging Face format",
        why="The reference code reads params.json and consolidated.NN.pth. A Hugging Face folder holds config.json and safetensors (or "
        "pytorch_model) files, whose tensors have other names and layouts.",
        signs=(
            Sign(r"No such file or directory: '[^']{0,200}params\.json'", also=(r"llama|consolidated|ckpt_dir|generation\.py|hf\b",)),
            Sign(
                r"ModelArgs(?:\.__init__|\.__new__)?\(\) got an unexpected keyword argument "
                r"'(?P<key>architectures|_name_or_path|attention_\w+|[bep][oa][sd]_token_id|hidden_\w+|torch_dtype|transformers_version|model_type|tie_word_\w+|initializer_range|use_cache|pretraining_tp|num_\w+|intermediate_size|max_position_\w+|rms_norm_eps|quantization_config|rope_scaling)'"
            ),
            Sign(
                r"Missing key\(s\) in state_dict: \"tok_embeddings\.weight\"",
                also=(r"Unexpected key\(s\) in state_dict: \"(?:model\.|lm_head)",),
            ),
            Sign(r"__init__\(\) got an unexpected keyword argument '_name_or_path'", FAIR, also=(r"ModelArgs|generation\.py",)),
        ),
        fixes=(
            Fix(
                "Use the Meta format of the model with this code: the folder 'original' of the repository (params.json, "
                "consolidated.00.pth, tokenizer.model), or the download from llama.meta.com.",
                commands=('huggingface-cli download REPO --include "original/*" --local-dir FOLDER',),
            ),
            Fix(
                "Or run the Hugging Face folder with transformers instead of the reference code.",
                code="model = AutoModelForCausalLM.from_pretrained(folder)\ntokenizer = AutoTokenizer.from_pretrained(folder)",
            ),
        ),
        refines=("state-dict-mismatch", "no-checkpoint-files"),
        examples=(
            '  File "/srv/llama3/llama/generation.py", line 97, in build\n    with open(Path(ckpt_dir) / "params.json", "r") as f:\n'
            "FileNotFoundError: [Errno 2] No such file or directory: 'llama-2-7b-hf/params.json'",
            "TypeError: ModelArgs.__init__() got an unexpected keyword argument 'architectures'",
            "TypeError: ModelArgs.__init__() got an unexpected keyword argument 'quantization_config'",
        ),
        counterexamples=("FileNotFoundError: [Errno 2] No such file or directory: 'config.json'",),
    ),
    Cause(
        slug="meta-folder-given-to-transformers",
        title="transformers was given a folder in Meta's original format",
        why="Meta's download holds params.json and consolidated.NN.pth; transformers needs config.json and weights with its own tensor "
        "names.",
        signs=(
            Sign(
                r"does not appear to have a file named config\.json",
                also=(r"consolidated\.\d\d|params\.json|(?:llama|Llama)-[23]\S*-?(?:7b|8B|13b|70b)[\w-]*/ ",),
                near=800,
            ),
            Sign(r"Error no file named pytorch_model\.bin", FAIR, also=(r"consolidated\.\d\d|params\.json",)),
        ),
        fixes=(
            Fix(
                "Convert it once: python -m transformers.models.llama.convert_llama_weights_to_hf, then load the output folder.",
                commands=(
                    "python -m transformers.models.llama.convert_llama_weights_to_hf --input_dir INPUT --model_size 7B --output_dir OUTPUT",
                ),
            ),
            Fix("Or load the Hugging Face version of the model by its name (for Llama 2: meta-llama/Llama-2-7b-hf, with -hf)."),
        ),
        refines=("model-files-missing",),
        examples=(
            "$ ls llama-2-7b\nchecklist.chk  consolidated.00.pth  params.json\n"
            "OSError: llama-2-7b does not appear to have a file named config.json.",
        ),
        counterexamples=("OSError: out/run does not appear to have a file named config.json.",),
    ),
    Cause(
        slug="stray-backslash-in-command",
        title="A command of several lines was pasted in one, and its line-continuation backslashes stayed in it (or do not continue "
        "the line here)",
        why="A backslash continues a line only as its very last character. In the middle of a line it makes ' --flag' (with a space) "
        "one word, so the program does not see its flags; cmd and PowerShell do not know it at all.",
        signs=(
            Sign(r"no checkpoint files found in --ckpt_dir"),
            Sign(r"no checkpoint files found in \\(?: |$)"),
            Sign(r"can't open file '(?:[^']{0,200}[/\\])? [^']{0,80}'"),
            Sign(r"unrecognized arguments: (?:\S+ ){0,3}\\(?: |$)"),
            Sign(r"Could not consume arg: (?:\\|--\w+)", FAIR, also=(r"\.py \\ --?\w",)),
            Sign(r"required argument: (?:ckpt_dir|tokenizer_path)", FAIR, also=(r"\.py \\ --?\w",)),
            Sign(r"command not found: --\w+"),
            Sign(r"(?:ba|z|da)?sh: (?:line \d+: )?--[\w-]+: (?:command )?not found"),
            Sign(r"Missing expression after unary operator '--'"),
            Sign(r"'--[\w-]+' is not recognized as an internal or external command"),
            Sign(r"', ' [\w.]{2,40}=[^' ]{1,80}'", also=(r" \\ [\w.]{2,40}=",)),
            Sign(r"can't open file '(?:/[^']{0,200}/)?\\{1,2}'"),
            Sign(r"unexpected extra arguments? \((?:\S+ ){0,3}\\"),
            Sign(r"Invalid requirement: ['\"]?\\"),
        ),
        fixes=(
            Fix(
                "Write the command in one line without the backslashes (\\), or keep several lines with the backslash as the last "
                "character of each, no space after it.",
                commands=(
                    "torchrun --nproc_per_node 1 example_chat_completion.py --ckpt_dir CKPT_DIR --tokenizer_path TOKENIZER_PATH "
                    "--max_seq_len 512 --max_batch_size 6",
                ),
            ),
            Fix("On Windows: one line; cmd continues lines with ^, PowerShell with a backtick.", when="os=windows"),
        ),
        refines=("no-checkpoint-files", "local-rank-arg-unrecognized"),
        examples=(
            "$ torchrun --nproc_per_node 1 example_text_completion.py \\ --ckpt_dir llama-2-7b/ \\ --tokenizer_path tokenizer.model\n"
            '    assert len(checkpoints) > 0, f"no checkpoint files found in {ckpt_dir}"\n'
            "AssertionError: no checkpoint files found in  --ckpt_dir",
            "zsh: command not found: --ckpt_dir",
            "/usr/bin/python3: can't open file '/home/u/llama/ example_chat_completion.py': [Errno 2] No such file or directory",
            "!run_eval config=a.yaml \\ model=base \\ dataset=val\nopts=['config=a.yaml', ' model=base', ' dataset=val']\nKeyError: \"Required argument 'model' not passed\"",
            "python: can't open file '/srv/job/\\': [Errno 2] No such file or directory",
            "Error: Got unexpected extra argument (\\)",
        ),
        counterexamples=(
            "AssertionError: no checkpoint files found in llama-2-7b/",
            "python: can't open file '/home/u/llama/example.py': [Errno 2] No such file or directory",
        ),
    ),
)
