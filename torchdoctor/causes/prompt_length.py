"""Inputs that are longer than the model or its server takes."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="prompt-too-long",
        title="The input is longer than the model or the server allows ({limit|the limit of positions})",
        why="A model has a fixed number of positions (its context window, or max_seq_len as it was built or served); a longer input, "
        "or input plus new tokens, cannot be processed.",
        signs=(
            Sign(r"assert max_prompt_len <= params\.max_seq_len", unless=(r"def generate\( ?self,",)),
            Sign(r"maximum context length is (?P<limit>\d+) tokens"),
            Sign(r"(?:decoder |encoder |user )?prompt \((?:length|total length) (?P<have>\d+)\) is (?:too long|longer than)"),
            Sign(r"Input prompt \((?P<have>\d+) tokens\) is too long and exceeds (?:limit|the capacity)"),
            Sign(r"Requested tokens \((?P<have>\d+)\) exceed context window of (?P<limit>\d+)"),
            Sign(r"ValueError: Input length of (?:input_ids|inputs?) is (?P<have>\d+), but `?max_length`? is set to (?P<limit>\d+)"),
            Sign(
                r"inputs? (?:tokens|length).{0,30}(?:must be <=|must have less than|exceeds?).{0,30}(?P<limit>\d{3,})",
                FAIR,
                also=(r"tokens",),
            ),
            Sign(
                r"sequence length is longer than the specified maximum sequence length for this model \((?P<have>\d+) > (?P<limit>\d+)\)",
                also=(r"IndexError|device-side assert|index out of range|must match the size of tensor|indexSelect|srcIndex",),
            ),
            Sign(
                r"The size of tensor a \((?P<have>\d+)\) must match the size of tensor b \((?P<limit>512|514|1024|77)\) at "
                r"non-singleton dimension 1",
                FAIR,
                also=(r"position|embeddings|modeling_|inputs_embeds",),
            ),
            Sign(
                r"The expanded size of the tensor \((?P<have>\d+)\) must match the existing size \((?P<limit>512|514|1024|77)\) at "
                r"non-singleton dimension 1"
            ),
            Sign(r"Cannot forward sequence of length (?P<have>\d+), block size is only (?P<limit>\d+)"),
            Sign(r"longer than the (?:maximum )?model\W{0,2}s? (?:maximum )?(?:model )?(?:context )?length"),
            Sign(r"tokens .{1,3} .{0,3}max_new_tokens.{0,3} must be <="),
            Sign(r"inputs.{0,3} must have less than (?P<limit>\d+) tokens"),
            Sign(r"prompt is too long:? \(?(?P<have>\d+) tokens"),
            Sign(r"exceeds? the available context size"),
            Sign(r"exceed_context_size_error"),
            Sign(r"context_length_exceeded"),
            Sign(r"tokens to keep from the initial prompt is greater than the context length"),
            Sign(r"is too long for context length (?P<limit>\d+)"),
            Sign(r"exceeds? the model\W{0,2}s maximum context length"),
            Sign(r"Input length \((?P<have>\d+) tokens\) exceeds the maximum allowed length \((?P<limit>\d+)"),
            Sign(r"Prompt length \((?P<have>\d+)\) exceeds maximum input length \((?P<limit>\d+)"),
            Sign(r"sequence length \d+ cannot exceed the maximum allowed length of (?P<limit>\d+)"),
            Sign(r"prompt size exceeds the context window"),
            Sign(r"sequence length exceeds cache size"),
            Sign(r"input is too large to process\. increase the physical batch size", FAIR),
            Sign(
                r"exceeds? (?:the )?(?:model\W{0,2}s? )?max(?:imum)?[ _](?:position[ _]embeddings|sequence[ _]length|seq[ _]?len|input[ _]length|context[ _]length|model[ _]len)",
                FAIR,
                also=(r"Error|error|[Ee]xception|assert",),
            ),
            Sign(
                r"start \((?P<have>\d+)\) \+ length \(\d+\) exceeds dimension size \(\d+\)", FAIR, also=(r"generat|position|cache|rotary",)
            ),
            Sign(
                r"sequence length is longer than the specified maximum sequence length for this model \((?P<have>\d+) > (?P<limit>\d+)\)\. Running this sequence through the model will result in indexing errors",
                FAIR,
                unless=(
                    r"Traceback|[a-z](?:Error|Exception)\b|\bERROR\b",
                    r"epoch|\bloss\b|it/s|s/it|\d%\||examples/s|\bsteps?\b|completed|finished|\bdone\b|accuracy",
                ),
            ),
        ),
        fixes=(
            Fix(
                "Shorten the input: truncate it (tokenizer(text, truncation=True, max_length={limit|512})), fewer shots or a shorter "
                "history, or split it into pieces.",
                code="inputs = tokenizer(text, truncation=True, max_length={limit|512}, return_tensors='pt')",
            ),
            Fix(
                "Where the model supports more: raise the limit (max_seq_len, --max-model-len), and ask for fewer new tokens "
                "(max_new_tokens instead of max_length; llama.cpp: -c / n_ctx, TGI: --max-total-tokens, TensorRT-LLM: a larger max_input_len at build); else use a model with a longer context."
            ),
        ),
        explains=("device-side-assert-index", "embedding-index-out-of-range"),
        refines=("shape-mismatch",),
        examples=(
            "openai.BadRequestError: This model's maximum context length is 4096 tokens. However, you requested 5120 tokens (4608 in "
            "the messages, 512 in the completion).",
            "    assert max_prompt_len <= params.max_seq_len\nAssertionError",
            "Token indices sequence length is longer than the specified maximum sequence length for this model (731 > 512). Running "
            "this sequence through the model will result in indexing errors\nIndexError: index out of range in self",
            "RuntimeError: The expanded size of the tensor (640) must match the existing size (514) at non-singleton dimension 1.  "
            "Target sizes: [4, 640].  Tensor sizes: [1, 514]",
            "AssertionError: Cannot forward sequence of length 1300, block size is only 1024",
            "ValueError: Prompt length of 4096 is longer than the maximum model length of 4096.",
            '{"object":"error","message":"The input (52000 tokens) is longer than the model\'s context length (32768 tokens).","code":400}',
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 256 `max_new_tokens`",
            "Input validation error: `inputs` must have less than 1024 tokens. Given: 2210",
            "main: error: prompt is too long (5120 tokens, max 4092)",
            "srv send_error: the request exceeds the available context size. try increasing the context size or enable context shift",
            "RuntimeError: Input a photo of a very long street is too long for context length 77",
            "ValueError: Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 8300 tokens: 8000 tokens from the input messages and 300 tokens for the completion.",
            "ValueError: Labels' sequence length 530 cannot exceed the maximum allowed length of 448 tokens.",
            "Token indices sequence length is longer than the specified maximum sequence length for this model (3071 > 2048). Running this sequence through the model will result in indexing errors",
        ),
        counterexamples=(
            "Token indices sequence length is longer than the specified maximum sequence length for this model (731 > 512).",
            "Token indices sequence length is longer than the specified maximum sequence length for this model (3071 > 2048). Running this sequence through the model will result in indexing errors\nepoch 1: loss 2.31",
            "Token indices sequence length is longer than the specified maximum sequence length for this model (900 > 512). Running this sequence through the model will result in indexing errors\nKeyError: 'label'",
        ),
    ),
)
