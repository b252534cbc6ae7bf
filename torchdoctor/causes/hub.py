"""The Hugging Face hub: gated models, no network, wrong paths, repositories with their own code."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"

CAUSES = (
    Cause(
        slug="gated-repo-no-token",
        title="The model {repo|on the hub} is gated and the program is not logged in",
        why="Gated repositories (Llama, Gemma, Mistral and others) answer 401 to everybody without a valid access token. Accepting the "
        "licence in the browser is not enough: the machine that downloads must send the token.",
        signs=(
            Sign(rf"Access to model {_REPO} is restricted\. You must (?:have access to it and )?be authenticated"),
            Sign(
                r"You are trying to access a gated repo",
                unless=(
                    r"403 Client Error|authorized list|awaiting a review|has been "
                    r"rejected",
                ),
            ),
            Sign(
                r"401 Client Error.{0,300}(?:gated repo|must be authenticated|have access to it and be authenticated)",
                unless=(r"Repository Not Found",),
            ),
            Sign(r"GatedRepoError: 401"),
            Sign(
                r"401 Client Error: Unauthorized for url: https://huggingface\.co/",
                FAIR,
                unless=(r"Repository Not Found|RepositoryNotFoundError",),
            ),
            Sign(
                r"Cannot access gated repo for url .{0,200}",
                FAIR,
                unless=(r"403 Client Error|authorized list|awaiting a review|has been rejected",),
            ),
            Sign(r"You must be authenticated to access it", FAIR),
            Sign(r"Token is required \(`?token=True`?\), but no token found"),
            Sign(r"Repo model " + _REPO + r" is gated\. You must be authenticated"),
        ),
        fixes=(
            Fix(
                "Log in with an access token of an account that has accepted the licence on the model's page: huggingface-cli login "
                "(hf auth login), or set HF_TOKEN.",
                commands=("huggingface-cli login", "export HF_TOKEN=hf_..."),
            ),
            Fix(
                "In code pass the token: from_pretrained(name, token=...). In a container or job the variable HF_TOKEN must be set "
                "there too.",
                code='model = AutoModelForCausalLM.from_pretrained(name, token=os.environ["HF_TOKEN"])',
            ),
            Fix("Or use an ungated copy or another open model."),
        ),
        examples=(
            "OSError: You are trying to access a gated repo.\nMake sure to have access to it at "
            "https://huggingface.co/google/gemma-2b.\n401 Client Error. (Request ID: Root=1-aa)\n"
            "Access to model google/gemma-2b is restricted. You must be authenticated to access it.",
            "huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url "
            "https://huggingface.co/org/name/resolve/main/config.json.",
        ),
        counterexamples=(
            "GatedRepoError: 403 Client Error. Access to model org/name is restricted and you are not in the authorized list.",
        ),
    ),
    Cause(
        slug="gated-repo-not-granted",
        title="The account is logged in but has no access to the gated model {repo|on the hub}",
        why="The hub answered 403: the token is valid, but its account has not accepted the terms (or the request is waiting or was "
        "rejected), or the token's scope does not include gated repositories.",
        signs=(
            Sign(rf"Access to model {_REPO} is restricted and you are not in the authorized list"),
            Sign(r"you are not in the authorized list"),
            Sign(r"403 Client Error.{0,300}(?:gated repo|authorized list|is restricted|awaiting a review)"),
            Sign(r"Your request to access model .{1,80} (?:is awaiting a review|has been rejected)"),
            Sign(r"GatedRepoError: 403"),
            Sign(r"enable access to public gated repositories in your fine-grained token settings"),
        ),
        fixes=(
            Fix(
                "Open the model's page on huggingface.co with the account of the token, accept the terms (request access) and wait "
                "until access is granted.",
            ),
            Fix(
                "With a fine-grained token: enable 'Read access to contents of all public gated repos you can access' in the token's "
                "settings (permission), or use a token of type read, and log in again.",
                commands=("huggingface-cli whoami", "huggingface-cli login"),
            ),
        ),
        refines=("gated-repo-no-token",),
        examples=(
            "huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: Root=1-bb)\n"
            "Cannot access gated repo for url https://huggingface.co/org/llm-3b/resolve/main/config.json.\n"
            "Access to model org/llm-3b is restricted and you are not in the authorized list. Visit https://huggingface.co/org/llm-3b "
            "to ask for access.",
            "403 Forbidden: Please enable access to public gated repositories in your fine-grained token settings to view this repository.",
        ),
        counterexamples=("401 Client Error. Access to model org/llm is restricted. You must be authenticated to access it.",),
    ),
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
            Sign(r"host='(?:huggingface\.co|hf\.co|cdn-lfs[\w.-]*|hf-mirror\.com)', port=443\): (?:Max retries exceeded|Read timed out)"),
            Sign(r"OfflineModeIsEnabled"),
            Sign(r"transformers/installation#offline-mode"),
            Sign(r"urlopen error .{0,120}", FAIR, also=(r"torch[/\\]hub\.py|download\.pytorch\.org|load_state_dict_from_url",)),
            Sign(r"Failed to (?:resolve|establish a new connection).{0,120}huggingface\.co", FAIR),
            Sign(r"OSError\W{1,3}[^\x00-\x7f]{2,40}['‘“\"]?https?://huggingface\.co\b", FAIR),
            ends_in("huggingface_hub/file_download.py", "_raise_on_head_call_error"),
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
        ),
        counterexamples=("HTTP Error 404: Not Found", "ConnectionRefusedError: [Errno 111] Connection refused"),
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
            Sign(r"(?P<path>\S{1,200}) is not a local folder and is not a valid model identifier"),
            Sign(r"(?P<path>\S{1,200}) is not a valid model identifier listed on"),
            Sign(
                r"Can't (?:load|find) (?:the )?(?:tokenizer|configuration|config|model|feature extractor|image processor) "
                r"(?:for|of|at) '(?P<path>[^']{1,200})'\. If you were trying to load it from"
            ),
            Sign(r"It looks like the config file at '(?P<path>[^']{1,200}\.(?:bin|safetensors|pth?|ckpt|gguf|onnx))' is not a valid JSON"),
            Sign(r"40[14] Client Error.{0,200}Repository Not Found for url: https://huggingface\.co/", FAIR),
            ends_in("huggingface_hub/utils/_validators.py", "validate_repo_id"),
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
            Sign(rf"Loading {_REPO} requires you to execute the (?:configuration|modeling|tokenizer)"),
            Sign(r"requires you to execute the \w+ file in that repo on your local machine"),
            Sign(r"contains custom code which must be executed to correctly load"),
            Sign(r"set the option `?trust_remote_code=True`?"),
            Sign(r"pass the argument `?trust_remote_code=True`?"),
            Sign(r"Do you wish to run the custom code\? \[y/N\]", FAIR),
            Sign(r"ValueError: [^()]{1,250}trust_remote_code=True", FAIR),
            ends_in("transformers/dynamic_module_utils.py", "resolve_trust_remote_code"),
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
        ),
        counterexamples=("loading with trust_remote_code=True",),
    ),
)
