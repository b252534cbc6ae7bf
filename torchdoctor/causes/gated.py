"""Gated models of the Hugging Face hub: no token, or no access granted."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
HUB = r"https://(?:huggingface\.co|hf-mirror\.com|hf\.co)/"
GATED = (
    r"(?:meta-llama|pyannote|black-forest-labs|mistralai|bigcode|CohereForAI|CohereLabs|google/(?:gemma|paligemma|medgemma)|"
    r"stabilityai/stable-diffusion-3|facebook/(?:sam3|dinov3)|databricks/dbrx)"
)
"""Repositories that everybody has to ask for."""

CAUSES = (
    Cause(
        slug="gated-repo-no-token",
        title="The model {repo|on the hub} is gated and the program is not logged in",
        why="Gated repositories (Llama, Gemma, Mistral and others) answer 401 to everybody without a valid access token. Accepting the "
        "licence in the browser is not enough: the machine that downloads must send the token.",
        signs=(
            Sign(rf"Access to model {REPO} is restricted\. You must (?:have access to it and )?be authenticated"),
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
                rf"401 Client Error: Unauthorized for url: {HUB}",
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
            Sign(r"Repo model " + REPO + r" is gated\. You must be authenticated"),
            Sign(r"401 Client.{0,250}gated repo", unless=(r"Repository Not Found",)),
            Sign(r"(?:pipeline|model) is private or gated"),
            Sign(rf"401 Client Error.{{0,200}}Repository Not Found for url: {HUB}(?:api/models/)?(?P<repo>{GATED}[\w./-]{{0,60}})"),
            Sign(rf"(?P<repo>{GATED}[\w./-]{{0,60}}) is not a local folder and is not a valid model identifier"),
            Sign(r"make sure you are properly logged in by executing", FAIR),
            Sign(r"Invalid credentials in Authorization header", FAIR, also=(r"huggingface|hf_hub|\bhf_",)),
            Sign(rf"401 Unauthorized\W{{1,3}}for url \W{{0,2}}{HUB}", FAIR, unless=(r"Repository Not Found|RepositoryNotFoundError",)),
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
            "Could not download 'pyannote/speaker-diarization-3.1' pipeline.\nIt might be because the pipeline is private or gated so make\nsure to "
            "authenticate. Visit https://hf.co/settings/tokens to create your access token and retry with:",
            "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://hf-mirror.com/org/image-model/resolve/main/model_index.json",
            "OSError: meta-llama/Llama-2-7b-hf is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'\n"
            "If this is a private repository, make sure to pass a token having permission to this repo with `use_auth_token`",
            "httpx.HTTPStatusError: Client error '401 Unauthorized' for url 'https://huggingface.co/org/name/resolve/main/config.json'",
            "ValueError: Invalid user token. If you didn't pass a user token, make sure you are properly logged in by executing `huggingface-cli login`, "
            "and if you did pass a user token, double-check it's correct.",
        ),
        counterexamples=(
            "GatedRepoError: 403 Client Error. Access to model org/name is restricted and you are not in the authorized list.",
            "401 Client Error. Repository Not Found for url: https://huggingface.co/api/models/me/misspelled. Please make sure you specified the correct `repo_id`",
            "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.example.org/v1/jobs",
        ),
    ),
    Cause(
        slug="gated-repo-not-granted",
        title="The account is logged in but has no access to the gated model {repo|on the hub}",
        why="The hub answered 403: the token is valid, but its account has not accepted the terms (or the request is waiting or was "
        "rejected), or the token's scope does not include gated repositories.",
        signs=(
            Sign(rf"Access to model {REPO} is restricted and you are not in the authorized list"),
            Sign(r"you are not in the authorized list"),
            Sign(r"403 Client Error.{0,300}(?:gated repo|authorized list|is restricted|awaiting a review)"),
            Sign(r"Your request to access model .{1,80} (?:is awaiting a review|has been rejected)"),
            Sign(r"GatedRepoError: 403"),
            Sign(r"enable access to public gated repositories in your fine-grained token settings"),
            Sign(rf"403 Client Error: Forbidden for url: {HUB}\S{{1,150}}/resolve/", FAIR),
            Sign(rf"403 Forbidden\W{{1,3}}for url \W{{0,2}}{HUB}\S{{1,150}}/resolve/", FAIR),
            Sign(rf"Cannot access content at: {HUB}\S{{1,150}}/resolve/", FAIR),
            Sign(r"is a gated dataset on the Hub\. Visit the dataset page"),
            Sign(r"Visit https://huggingface\.co/\S{1,120} to ask for access"),
            Sign(r"must accept the (?:conditions|licen[cs]e|terms).{0,40}to access (?:its|this|the) (?:files|model|repo|content)", FAIR),
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
            "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://huggingface.co/org/segmentation/resolve/main/pytorch_model.bin",
            "datasets.exceptions.DatasetNotFoundError: Dataset 'org/corpus' is a gated dataset on the Hub. Visit the dataset page at "
            "https://huggingface.co/datasets/org/corpus to ask for access.",
        ),
        counterexamples=(
            "401 Client Error. Access to model org/llm is restricted. You must be authenticated to access it.",
            "403 Client Error: Forbidden for url: https://huggingface.co/api/repos/create - You don't have the rights to create a model under this namespace",
        ),
    ),
)
