"""Tokenizers: missing or broken files, wrong class names, no padding token, no chat template."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_LLAMA3 = r"(?:Meta-?)?Llama-?_?(?:3|v3|Guard-3)|Llama 3(?!\w)|Llama3|3\.[123]-(?:1|3|8|11|70|90|405)B|write_tokenizer.{0,40}llama_version=3|CodeShield"

CAUSES = (
    Cause(
        slug="chat-template-missing",
        title="The tokenizer has no chat template",
        why="A chat template turns a list of messages into the text that an instruction-tuned model was trained on. Base models have "
        "none, some repositories keep it in a separate file, "
        "and transformers since 4.44 no longer falls back to a default.",
        signs=(
            Sign(r"Cannot use (?:apply_chat_template\(\)|chat template functions) because tokenizer\.chat_template is not set"),
            Sign(r"default chat template is no longer allowed, so you must provide a chat template"),
            Sign(r"tokenizer\.chat_template`? is not set and no (?:template argument|default|chat template)"),
            Sign(r"(?:processor|tokenizer) does not have a chat template"),
            Sign(r"chat_template is not set", FAIR),
            Sign(r"ValueError.{1,60}apply_chat_template\(\).{1,40}tokenizer\.chat_template", FAIR),
            ends_in("transformers/tokenization_utils_base.py", "get_chat_template"),
            Sign(r"default chat template is no longer allowed"),
            Sign(r"No chat[ _]template is (?:set|defined) for this", unless=(r"using the default template",)),
            Sign(r"No default chat template could be loaded"),
            Sign(r"does(?:n't| not) have a chat[ _]template", FAIR),
            Sign(r"Template error: template not found", FAIR),
            Sign(r"chat template (?:was )?not found", FAIR),
            Sign(r"has no chat[ _]template", FAIR, also=(r"Error|Exception",)),
        ),
        fixes=(
            Fix(
                "For a chat use the instruct (chat) version of the model: its tokenizer brings a chat_template. Load the tokenizer "
                "from the same repository as the model.",
            ),
            Fix(
                "Or set a template: tokenizer.chat_template = '...' (copied from the tokenizer_config.json or chat_template.jinja of a "
                "model of that family); a server takes --chat-template FILE.",
                code="tokenizer.chat_template = AutoTokenizer.from_pretrained(INSTRUCT_MODEL).chat_template",
            ),
            Fix("With a base model do without: give tokenizer(prompt) plain text instead of apply_chat_template."),
        ),
        examples=(
            "    raise ValueError(\nValueError: Cannot use chat template functions because tokenizer.chat_template is not set and no "
            "template argument was passed!",
            "ValueError: As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if "
            "the tokenizer does not define one.",
            "ValueError: No chat template is set for this processor. Please either set the `chat_template` attribute, or provide a chat template as an argument.",
            "ValueError: Cannot use apply_chat_template because this processor does not have a chat template.",
        ),
        counterexamples=(
            "jinja2.exceptions.TemplateNotFound: index.html",
            "No chat template is defined for this tokenizer - using the default template for the LlamaTokenizerFast class.",
        ),
    ),
    Cause(
        slug="llama-tokenizer-class-name",
        title="The repository's tokenizer_config.json names the class LLaMATokenizer, which transformers calls LlamaTokenizer",
        why="Early Llama conversions wrote the class name of a draft version. transformers finds the class by its exact name.",
        signs=(
            Sign(r"Tokenizer class (?:Code)?(?!(?-i:Llama))LlamaTokenizer(?:Fast)? does not exist"),
            Sign(r"cannot import name '?(?!(?-i:Llama))LlamaTokenizer"),
            Sign(r"transformers'? has no attribute '?(?!(?-i:Llama))LlamaTokenizer"),
            Sign(r"you load from this checkpoint is '(?!(?-i:Llama))LlamaTokenizer'", FAIR),
        ),
        fixes=(
            Fix(
                'Change "tokenizer_class" in tokenizer_config.json of the model folder to "LlamaTokenizer", or load it with that class '
                "directly.",
                code='tokenizer = LlamaTokenizer.from_pretrained(path)   # or edit tokenizer_config.json: "tokenizer_class": '
                '"LlamaTokenizer"',
            ),
            Fix("Or take the model from another repository (a newer conversion)."),
        ),
        refines=("out-of-date-transformers",),
        examples=(
            "ValueError: Tokenizer class LLaMATokenizer does not exist or is not currently imported.",
            "AttributeError: module transformers has no attribute LLaMATokenizer",
        ),
        counterexamples=(
            "ValueError: Tokenizer class Qwen2Tokenizer does not exist or is not currently imported.",
            "ValueError: Tokenizer class LlamaTokenizer does not exist or is not currently imported.",
        ),
    ),
    Cause(
        slug="tokenizer-model-missing",
        title="The slow (SentencePiece) tokenizer has no tokenizer.model file to read",
        why="The vocabulary file was not found in the model folder, so the tokenizer got None as its path, and SentencePiece answers "
        "with an unclear type error.",
        signs=(
            Sign(r"TypeError: not a string", also=(r"sentencepiece|tokeniz|LoadFromFile",)),
            Sign(r"LoadFromFile\(self, arg\) TypeError: not a string"),
            Sign(
                r"(?:stat: path should be string, bytes, os\.PathLike or integer|expected str, bytes or os\.PathLike object), not "
                r"NoneType",
                also=(r"tokenization_\w+\.py|vocab_file|Tokenizer\w*\.from_pretrained",),
            ),
            Sign(r"Not found: \"?[^\"]{0,200}tokenizer\.model\"?: No such file or directory"),
            Sign(r"Can't load a? ?vocabulary at path .{0,200}", FAIR),
            Sign(r"No such file or directory: '[^']{0,200}tokenizer\.model'"),
            Sign(r"assert os\.path\.isfile\(model_path\), model_path"),
            Sign(r"Unable to load vocabulary from file", FAIR),
            Sign(r"Not found: \"?[^\"]{0,200}\.model\"?: No such file or directory"),
            Sign(r"Not found: \"?[^\" ]{0,200}tokenizer\.model\b", FAIR),
            Sign(r"Could not find (?:a )?tokenizer\.model"),
            Sign(r"File not found: \S{0,200}tokenizer\.model"),
            Sign(r"AssertionError: \S{0,200}tokenizer\.model"),
        ),
        fixes=(
            Fix(
                "Put the tokenizer files of the model into the folder: tokenizer.model (and tokenizer_config.json), downloaded again "
                "from the model's repository.",
                commands=("huggingface-cli download REPO tokenizer.model tokenizer_config.json --local-dir FOLDER",),
            ),
            Fix(
                "Or use the fast tokenizer, if the folder has a tokenizer.json: AutoTokenizer.from_pretrained(path, use_fast=True).",
                code="tokenizer = AutoTokenizer.from_pretrained(path, use_fast=True)",
            ),
        ),
        examples=(
            '  File "/opt/venv/lib/python3.10/site-packages/sentencepiece/__init__.py", line 310, in LoadFromFile\n'
            "    return _sentencepiece.SentencePieceProcessor_LoadFromFile(self, arg)\nTypeError: not a string",
            'OSError: Not found: "tokenizer.model": No such file or directory Error #2',
            "FileNotFoundError: Could not find tokenizer.model in /models/base-7b or its parent; if it's in another directory, pass the directory as --vocab-dir",
            'OSError: Not found: "spiece.model": No such file or directory Error #2',
        ),
        counterexamples=('TypeError: not a string\n  File "parse.py", line 8',),
    ),
    Cause(
        slug="sentencepiece-parse-error",
        title="The file {file|tokenizer.model} is not a readable SentencePiece model",
        why="SentencePiece could not parse the file: a damaged or unfinished download, a Git LFS pointer, or another format under that "
        "name.",
        signs=(
            Sign(r"model_proto->ParseFromArray\(serialized\.data\(\), serialized\.size\(\)\)"),
            Sign(r"could not parse ModelProto from (?P<file>[^ \"']{1,200})"),
            Sign(r"could not parse ModelProto"),
            Sign(r"sentencepiece_processor\.cc\(\d+\)", FAIR),
            Sign(r"Error parsing message with type 'sentencepiece\.ModelProto'"),
            Sign(r"ModelProto\.FromString\(sp_model\)", FAIR),
            Sign(
                r"DecodeError: (?:Error parsing message|Wrong wire type|Truncated message|Unexpected end-group)",
                also=(r"sentencepiece|get_spm_processor|ModelProto|sp_model",),
            ),
        ),
        fixes=(
            Fix(
                "Download tokenizer.model again and check its size (about 500 KB for Llama 2; a file of some 130 bytes is a Git LFS "
                "pointer: git lfs pull).",
                commands=("ls -l tokenizer.model", "git lfs pull"),
            ),
            Fix(
                "For Llama 3 and newer tokenizer.model is a tiktoken file: use AutoTokenizer with tokenizer.json instead of SentencePiece."
            ),
        ),
        examples=(
            "RuntimeError: Internal: src/sentencepiece_processor.cc(1102) [model_proto->ParseFromArray(serialized.data(), "
            "serialized.size())]",
            "    model = model_pb2.ModelProto.FromString(sp_model)\ngoogle.protobuf.message.DecodeError: Error parsing message with type 'sentencepiece.ModelProto'",
        ),
        counterexamples=("google.protobuf.message.DecodeError: Error parsing message",),
    ),
    Cause(
        slug="llama3-tokenizer-not-sentencepiece",
        title="The tokenizer.model of Llama 3 is a tiktoken file and was given to SentencePiece",
        why="Llama 1 and 2 used SentencePiece, Llama 3 and newer a tiktoken vocabulary under the same file name tokenizer.model. "
        "LlamaTokenizer (SentencePiece) cannot parse it.",
        signs=(
            Sign(r"could not parse ModelProto from (?P<file>\S{0,200}(?:llama-?_?3|llama-?v3|3\.[123]-\d)\S{0,200})"),
            Sign(r"model_proto->ParseFromArray\(", also=(_LLAMA3,)),
            Sign(r"could not parse ModelProto", FAIR, also=(_LLAMA3,)),
            Sign(r"in write_tokenizer .{0,200}tokenization_llama(?:_fast)?\.py", FAIR, also=(_LLAMA3,)),
            Sign(r"UnicodeDecodeError.{0,200}tokenizer\.model", FAIR, also=(r"tiktoken|llama-?3",)),
            Sign(r"ModelProto\.FromString\(", also=(_LLAMA3,)),
            Sign(r"DecodeError: Error parsing message", FAIR, also=(_LLAMA3, r"tokeniz|ModelProto|sentencepiece|convert_llama")),
        ),
        fixes=(
            Fix(
                "Convert with a converter that knows tiktoken: transformers' convert_llama_weights_to_hf.py with --llama_version 3 "
                "(3.1, 3.2), and a recent transformers.",
                commands=(
                    "python -m transformers.models.llama.convert_llama_weights_to_hf --input_dir INPUT --model_size 8B --llama_version "
                    "3 --output_dir OUTPUT",
                ),
            ),
            Fix(
                "Or use the Hugging Face format of Llama 3 with AutoTokenizer (tokenizer.json), not LlamaTokenizer.",
                code="tokenizer = AutoTokenizer.from_pretrained(path)",
            ),
        ),
        refines=("sentencepiece-parse-error",),
        examples=(
            '  File "/opt/tf/models/llama/convert_llama_weights_to_hf.py", line 301, in write_tokenizer\n'
            "RuntimeError: Internal: could not parse ModelProto from /models/Meta-Llama-3-8B/tokenizer.model",
            'in write_model\n    tokenizer = tokenizer_class(tokenizer_path)  # Meta-Llama-3-8B\n  File "/opt/tf/tokenization_llama.py", line 217, in get_spm_processor\n'
            "    model = model_pb2.ModelProto.FromString(sp_model)\ngoogle.protobuf.message.DecodeError: Error parsing message",
        ),
        counterexamples=("RuntimeError: Internal: could not parse ModelProto from /models/llama-2-7b/tokenizer.model",),
    ),
    Cause(
        slug="pad-token-missing",
        title="The tokenizer has no padding token, but a batch has to be padded",
        why="Llama, GPT-2 and similar models were trained without padding, so their tokenizers define no pad token. A batch of texts "
        "of different lengths needs one.",
        signs=(
            Sign(r"Asking to pad but the tokenizer does not have a padding token"),
            Sign(r"Cannot handle batch sizes > 1 if no padding token is defined"),
            Sign(r"(?:requires|needs) .{0,30}padding token .{0,60}(?:tokenizer|defined)", FAIR, also=(r"Error: |Traceback",)),
            Sign(r"tokenizer\.pad_token = tokenizer\.eos_token e\.g\.", FAIR),
            ends_in("transformers/tokenization_utils_base.py", "_get_padding_truncation_strategies"),
            Sign(r"without pad_token cannot do batching"),
            Sign(r"argument 'padding_value' \(position \d\) must be float, not NoneType"),
            Sign(r"make sure that `?pad_token_id`? is defined"),
            Sign(r"tokenizer does(?:n't| not) have a pad(?:ding)?[ _]token", FAIR),
            Sign(r"pad(?:ding)?[ _]token(?:_id)?`? (?:is|was) (?:not set|not defined|None|missing)", FAIR, also=(r"Error: |Traceback",)),
            Sign(r"must have a pad(?:ding)?[ _]token", FAIR, also=(r"Error: |Traceback",)),
        ),
        fixes=(
            Fix(
                "Set one before padding: tokenizer.pad_token = tokenizer.eos_token, and tell the model: model.config.pad_token_id = "
                "tokenizer.pad_token_id.",
                code="tokenizer.pad_token = tokenizer.eos_token\nmodel.config.pad_token_id = tokenizer.pad_token_id",
            ),
            Fix(
                "Or add a new token, tokenizer.add_special_tokens({{'pad_token': '[PAD]'}}), followed by "
                "model.resize_token_embeddings(len(tokenizer))."
            ),
        ),
        examples=(
            "ValueError: Asking to pad but the tokenizer does not have a padding token. Please select a token to use as `pad_token` "
            "`(tokenizer.pad_token = tokenizer.eos_token e.g.)`",
            "ValueError: Cannot handle batch sizes > 1 if no padding token is defined.",
            "ValueError: Pipeline with tokenizer without pad_token cannot do batching. You can try to set it with `pipe.tokenizer.pad_token_id = model.config.eos_token_id`.",
            "TypeError: pad_sequence(): argument 'padding_value' (position 3) must be float, not NoneType",
            "ValueError: If `eos_token_id` is defined, make sure that `pad_token_id` is defined.",
        ),
        counterexamples=("Setting `pad_token_id` to `eos_token_id`:2 for open-end generation.",),
    ),
)
