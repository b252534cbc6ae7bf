"""The Hugging Face hub: no network, wrong paths, repositories with their own code."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.causes.gated import GATED, HUB, REPO
from torchdoctor.tracebacks import ends_in

_KNOWN = (
    r"Can't (?:load|find) .{1,30}'(?:openai/(?:clip|whisper)|bert-base|google-bert/|roberta-|FacebookAI/|gpt2|openai-community/|xlm-roberta|distil\w*bert|"
    r"t5-|google-t5/|google/(?!gemma|paligemma|medgemma)|facebook/|microsoft/|laion/|sentence-transformers/)"
)
"""Names that the hub certainly has: if they cannot be loaded, the hub was not reached."""
_NETWORK = r"huggingface_hub[/\\]|huggingface\.co|hf-mirror\.com|LocalEntryNotFound"

_RETRIED = r"\[Retry \d/\d\].{0,300}(?:'loss'|epoch|\bstep\b|Loading checkpoint)"
"""A request that failed once and did not stop the program."""

CAUSES = (
    Cause(
        slug="hub-unreachable",
        title="huggingface.co (or another download server) cannot be reached and the files are not in the local cache",
        why="The library asked the hub for the files and got no answer (no internet, a firewall or proxy, offline mode), and the cache "
        "of this user does not hold them.",
        signs=(
            Sign(r"We couldn't connect to 'https?://[\w./-]+' to load"),
            Sign(r"We couldn't connect to '?https?://(?:huggingface|hf)"),
            Sign(r"An error happened while trying to locate the files? on the Hub"),
            Sign(r"LocalEntryNotFoundError", unless=(r"LocalEntryNotFoundError\($",)),
            Sign(r"Connection error, and we cannot find the requested files in the (?:cached path|disk cache)"),
            Sign(
                r"Cannot find (?:the requested files|an appropriate cached snapshot).{0,60}(?:outgoing traffic has been disabled|disk "
                r"cache|on the local disk)"
            ),
            Sign(r"outgoing traffic has been disabled"),
            Sign(
                r"host=\\?'(?:[\w-]{1,30}\.){0,3}(?:huggingface\.co|hf\.co|hf-mirror\.com|modelscope\.cn|cdn-lfs[\w.-]*)\\?', port=443\): "
                r"(?:Max retries exceeded|Read timed out)",
                unless=(_RETRIED,),
            ),
            Sign(r"OfflineModeIsEnabled"),
            Sign(r"transformers/installation#offline-mode"),
            Sign(r"urlopen error .{0,120}", FAIR, also=(r"torch[/\\]hub\.py|download\.pytorch\.org|load_state_dict_from_url",)),
            Sign(r"Failed to (?:resolve|establish a new connection).{0,120}huggingface\.co", FAIR),
            Sign(r"OSError\W{1,3}[^\x00-\x7f]{2,40}['‘“\"]?https?://huggingface\.co\b", FAIR),
            ends_in("huggingface_hub/file_download.py", "_raise_on_head_call_error"),
            Sign(r"Couldn't reach .{1,100} on the Hub \("),
            Sign(
                r"Couldn't reach (?:server at )?'?https?://(?:huggingface\.co|hf-mirror\.com|raw\.githubusercontent\.com|s3\.amazonaws\.com)"
            ),
            Sign(rf"thrown while requesting (?:HEAD|GET|POST) {HUB}", FAIR, unless=(_RETRIED,)),
            Sign(r"Distant resource does not seem to be on huggingface\.co"),
            Sign(r"CAS service error", FAIR),
            Sign(r"Cannot reach https?://\S{1,150}: offline mode is enabled"),
            Sign(r"httpx\.(?:Connect|Read|Proxy|Remote)\w*(?:Error|Timeout)", FAIR, also=(_NETWORK,), near=3000),
            Sign(r"Temporary failure in name resolution", FAIR, also=(_NETWORK,), near=3000),
            Sign(r"Name or service not known", FAIR, also=(_NETWORK,), near=3000),
            Sign(r"Network is unreachable", FAIR, also=(_NETWORK,), near=3000),
            Sign(r"getaddrinfo failed", FAIR, also=(_NETWORK,), near=3000),
            Sign(r"Connection(?: attempt)? (?:timed out|refused|reset by peer).{0,200}https://huggingface\.co", FAIR),
            Sign(r"Connection refused.{0,60}https://huggingface\.co", FAIR),
            Sign(rf"{_KNOWN}", unless=(r"gated repo|401 Client|403 Client",)),
        ),
        fixes=(
            Fix(
                "Check the connection (proxy, firewall, DNS) from this machine; behind a proxy set HTTPS_PROXY, where huggingface.co "
                "is blocked use a mirror with HF_ENDPOINT.",
                commands=("curl -I https://huggingface.co", "export HTTPS_PROXY=http://HOST:PORT"),
            ),
            Fix(
                "Without network: download the model on a connected machine, copy the folder (or ~/.cache/huggingface) and give the "
                "local path to from_pretrained.",
                commands=("huggingface-cli download REPO --local-dir FOLDER",),
            ),
            Fix(
                "If the files are in the cache already: HF_HUB_OFFLINE=1 and HF_HOME of the user who downloaded them; unset "
                "HF_HUB_OFFLINE if a download is wanted."
            ),
        ),
        examples=(
            "OSError: We couldn't connect to 'https://huggingface.co' to load this file, couldn't find it in the cached files and it "
            "looks like bert-base-uncased is not the path to a directory containing a file named config.json.",
            "requests.exceptions.ConnectionError: (MaxRetryError(\"HTTPSConnectionPool(host='huggingface.co', port=443): Max retries "
            'exceeded with url: /gpt2/resolve/main/config.json"))',
            "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>\n"
            '  File "/usr/lib/python3/dist-packages/torch/hub.py", line 625, in download_url_to_file',
            "OSError: Can't load tokenizer for 'openai/clip-vit-large-patch14'. If you were trying to load it from 'https://huggingface.co/models', make "
            "sure you don't have a local directory with the same name.",
            "ConnectionError: Couldn't reach 'wikitext' on the Hub (ConnectTimeout)",
            "requests.exceptions.ReadTimeout: (ReadTimeoutError(\"HTTPSConnectionPool(host='cas-bridge.xethub.hf.co', port=443): Read timed out.\"))",
            "'[Errno 101] Network is unreachable' thrown while requesting HEAD https://huggingface.co/gpt2/resolve/main/config.json",
            "huggingface_hub.errors.FileMetadataError: Distant resource does not seem to be on huggingface.co. It is possible that a configuration issue "
            "prevents you from downloading resources from https://huggingface.co.",
        ),
        counterexamples=(
            "HTTP Error 404: Not Found",
            "ConnectionRefusedError: [Errno 111] Connection refused",
            'socket.gaierror: [Errno -3] Temporary failure in name resolution\n  File "fetch_prices.py", line 12',
            "'HTTPSConnectionPool(host='huggingface.co', port=443): Read timed out.' thrown while requesting HEAD https://huggingface.co/gpt2/resolve/main/config.json\n"
            "Retrying in 1s [Retry 1/5].\n{'loss': 2.1, 'epoch': 0.1}",
        ),
    ),
    Cause(
        slug="local-path-not-found",
        title="The local model path {path|that was given} does not exist and was taken for the name of a hub repository",
        why="from_pretrained first looks for a folder of that name, seen from the working directory. If there is none, the text is "
        "taken as 'namespace/name' on the hub, where it does not exist (or is no valid name).",
        signs=(
            Sign(r"Repo id must be in the form '?repo_name'? or '?namespace/repo_name'?: '(?P<path>[^']{1,200})'"),
            Sign(r"Repo id must (?:be in the form|use alphanumeric chars)"),
            Sign(r"Incorrect path_or_model_id: '(?P<path>[^']{1,200})'"),
            Sign(
                r"(?P<path>\S{1,200}) is not a local folder and is not a valid model identifier",
                unless=(rf"{GATED}[\w./-]{{0,60}} is not a local folder",),
            ),
            Sign(
                r"(?P<path>\S{1,200}) is not a valid model identifier listed on",
                unless=(rf"{GATED}[\w./-]{{0,60}} is not a local folder",),
            ),
            Sign(
                r"Can't (?:load|find) (?:the )?(?:tokenizer|configuration|config|model|feature extractor|image processor) "
                r"(?:for|of|at) '(?P<path>[^']{1,200})'\. (?:If you were trying to load it from|Make sure that)",
                unless=(_KNOWN,),
            ),
            Sign(r"It looks like the config file at '(?P<path>[^']{1,200}\.(?:bin|safetensors|pth?|ckpt|gguf|onnx))' is not a valid JSON"),
            Sign(r"40[14] Client Error.{0,200}Repository Not Found for url: https://huggingface\.co/", FAIR),
            ends_in("huggingface_hub/utils/_validators.py", "validate_repo_id"),
            Sign(r"We assumed '(?P<path>[^']{1,200})' was a path"),
            Sign(
                r"Can't load (?:weights|config|tokenizer|model|feature extractor) for '(?P<path>[^']{1,200})'\. Make sure that",
                FAIR,
                unless=(_KNOWN,),
            ),
            Sign(r"Can't find '?(?:adapter_)?config\.json'? at '(?P<path>[^']{1,200})'"),
            Sign(r"Invalid repository ID or local directory specified: '(?P<path>[^']{1,200})'"),
            Sign(r"404 Client Error: Not Found for url: https://huggingface\.co/\S{1,150}/resolve/", FAIR),
            Sign(r"is not a valid model identifier", FAIR, unless=(rf"{GATED}[\w./-]{{0,60}} is not a local folder",)),
        ),
        fixes=(
            Fix(
                "Correct the path: give the folder that holds config.json, as an absolute path or seen from the working directory "
                "(check with ls; beware of ~, missing mounts in containers and spelling), and not a weight file inside of it.",
                commands=("ls -l PATH_OF_THE_MODEL/config.json",),
            ),
            Fix(
                "If a hub model is meant: use its exact name 'namespace/name', and log in if it is private. See that no local folder "
                "has the same name."
            ),
        ),
        explains=("hub-unreachable",),
        examples=(
            "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': "
            "'/mnt/models/llm/7b'. Use `repo_type` argument if needed.",
            "OSError: checkpoints/run3 is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
            "OSError: Incorrect path_or_model_id: './models/x/y'. Please provide either the path to a local folder or the repo_id of a "
            "model on the Hub.",
            "OSError: Model name './bert' was not found in tokenizers model name list (bert-base-uncased). We assumed './bert' was a path, a model identifier, or "
            "url to a directory containing vocabulary files named ['vocab.txt'] but couldn't find such vocabulary files at this path or url.",
            "ValueError: Can't find 'adapter_config.json' at './out/lora'",
            "OSError: Can't load weights for './out/model'. Make sure that: './out/model' is the correct path to a directory containing a file named pytorch_model.bin",
        ),
        counterexamples=("FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'",),
    ),
    Cause(
        slug="model-files-missing",
        title="The model folder or repository {path|that was given} lacks a file that transformers needs ({file|weights or config.json})",
        why="The folder exists, but it holds no weights (or config) under the names that from_pretrained looks for: an adapter or a "
        "training checkpoint only, an unfinished download, GGUF files, or Meta's original format.",
        signs=(
            Sign(r"Error no file named (?P<file>[\w.]+).{0,200}found in directory (?P<path>\S+)"),
            Sign(r"(?P<path>\S{1,200}) does not appear to have a file named (?P<file>[\w.-]+)"),
            Sign(r"Unrecognized model in (?P<path>\S{1,200})\. Should have a `?model_type`? key"),
        ),
        fixes=(
            Fix(
                "Look into the folder: it must hold config.json and the weights (model.safetensors or pytorch_model.bin with its "
                "index). Download the complete model again, or give the sub-folder that has them.",
                commands=("ls -l FOLDER",),
            ),
            Fix(
                "A LoRA adapter is loaded on top of its base model with PeftModel.from_pretrained; Meta's original files must be "
                "converted first; GGUF needs gguf_file= or llama.cpp."
            ),
        ),
        examples=(
            "OSError: Error no file named pytorch_model.bin, model.safetensors, tf_model.h5 found in directory out/checkpoint-500.",
            "OSError: org/name-gguf does not appear to have a file named config.json. Checkout "
            "'https://huggingface.co/org/name-gguf/main' for available files.",
        ),
        counterexamples=("FileNotFoundError: [Errno 2] No such file or directory: 'config.yaml'",),
    ),
    Cause(
        slug="trust-remote-code",
        title="The repository {repo|of the model} brings its own Python code, which may only run with your consent",
        why="The model class is not part of transformers but a file in the repository. Loading it executes that code, so the library "
        "wants trust_remote_code=True, in every call that loads something from it.",
        signs=(
            Sign(rf"Loading {REPO} requires you to execute the (?:configuration|modeling|tokenizer)"),
            Sign(r"requires you to execute the \w+ file in that repo on your local machine"),
            Sign(r"contains custom code which must be executed to correctly load"),
            Sign(r"set the option `?trust_remote_code=True`?"),
            Sign(r"pass the argument `?trust_remote_code=True`?"),
            Sign(r"Do you wish to run the custom code\? \[y/N\]", FAIR),
            Sign(r"ValueError: [^()]{1,250}trust_remote_code=True", FAIR),
            ends_in("transformers/dynamic_module_utils.py", "resolve_trust_remote_code"),
            Sign(r"consider setting `?trust_remote_code=True`?"),
            Sign(r"using the `?--trust-remote-code`? flag"),
            Sign(r"(?:requires|needs|try setting) `?trust_remote_code", FAIR),
        ),
        fixes=(
            Fix(
                "Read the code of the repository, then pass trust_remote_code=True to every call that loads from it (config, tokenizer "
                "and model; the servers have --trust-remote-code).",
                code="model = AutoModel.from_pretrained(name, trust_remote_code=True)\n"
                "tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=True)",
            ),
            Fix(
                "If transformers has the model built in by now, upgrade it and no remote code is needed.",
                commands=("pip install -U transformers",),
            ),
        ),
        examples=(
            "ValueError: Loading org/chat-6b requires you to execute the configuration file in that repo on your local machine. Make "
            "sure you have read the code there to avoid malicious use, then set the option `trust_remote_code=True` to remove this "
            "error.",
            "ValueError: The repository for org/vl-2b contains custom code which must be executed to correctly load the model. Please "
            "pass the argument `trust_remote_code=True` to allow custom code to be run.",
            "RuntimeError: Failed to load the model config. If the model is a custom model not yet available in the HuggingFace transformers library, consider "
            "setting `trust_remote_code=True` in LLM or using the `--trust-remote-code` flag in the CLI.",
        ),
        counterexamples=("loading with trust_remote_code=True",),
    ),
)
