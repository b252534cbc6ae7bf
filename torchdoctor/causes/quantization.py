"""Quantized models: moved by hand, without the GPU they need, or on a GPU too old for the method."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="bnb-model-to",
        title="A bitsandbytes-quantized model was moved or cast after loading",
        why="bitsandbytes places and converts the weights while loading; transformers then refuses .to(), .cuda() and .half(). Where "
        "the user did not call them, an accelerate and a transformers "
        "of different generations do not understand each other (accelerate's dispatch_model calls .to()).",
        signs=(
            Sign(r"\.to`? is not supported for .{0,6}(?:4-?bit|8-?bit)"),
            Sign(r"Calling `?(?:\w+\.)?(?:to|cuda|half|float)\(\)`? is not supported for .{0,6}(?:4-?bit|8-?bit|quantized)"),
            Sign(r"`?\.(?:half|float|cuda)\(\)`? is not supported for quantized model"),
            Sign(r"You cannot cast a (?:bitsandbytes|quantized) model in a new `?dtype"),
            Sign(r"since the model has already been set to the correct devices and casted to the correct", FAIR),
            ends_in("transformers/modeling_utils.py", "to|cuda|half|float", code=r"raise ValueError\("),
            Sign(r"loaded in `?bitsandbytes`? .{1,10} and (?:moving it to|conversion to)", FAIR),
            Sign(r"`?\.?(?:half|float|cuda|to)(?:\(\))?`? is not supported for .{0,12}(?:4-?bit|8-?bit|quantized|HQQ|bitsandbytes)"),
            Sign(r"Casting a quantized model to (?:a )?new `?dtype"),
        ),
        fixes=(
            Fix(
                "Leave out .to(...), .cuda() and .half() after loading a 4-bit or 8-bit model; choose the device while loading: "
                "device_map={{'': 0}} or device_map='auto'.",
                code='model = AutoModelForCausalLM.from_pretrained(name, quantization_config=config, device_map="auto")   # no .to(), '
                "no .cuda()",
            ),
            Fix(
                "In diffusers no .to() and no enable_model_cpu_offload() for an 8-bit component; use 4-bit (newer bitsandbytes can move it) or upgrade."
            ),
            Fix(
                "If the call comes from accelerate's dispatch_model or a library, align the versions: upgrade transformers, accelerate "
                "and bitsandbytes together.",
                commands=("pip install -U transformers accelerate bitsandbytes",),
            ),
        ),
        refines=("accelerate-model-to-after-dispatch",),
        examples=(
            '  File "/opt/venv/lib/python3.10/site-packages/accelerate/big_modeling.py", line 456, in dispatch_model\n'
            "    model.to(device)\n"
            "ValueError: `.to` is not supported for `4-bit` or `8-bit` bitsandbytes models. Please use the model as it is, since the "
            "model has already been set to the correct devices",
            "ValueError: Calling `cuda()` is not supported for `4-bit` or `8-bit` quantized models.",
            "ValueError: `.half()` is not supported for quantized model. Please use the model as it is",
            "The module 'T5EncoderModel' has been loaded in `bitsandbytes` 8bit and moving it to cpu via `.to()` is not supported. Module is still on cuda:0.",
            "ValueError: `.to` is not supported for HQQ-quantized models.",
        ),
        counterexamples=("loading the model in 4-bit, this is supported",),
    ),
    Cause(
        slug="quantization-needs-cuda",
        title="The quantized format (bitsandbytes, GPTQ, AWQ) needs a CUDA GPU, and none is usable here",
        why="The 4-bit and 8-bit kernels of these formats are written for NVIDIA GPUs. On a Mac, on a machine without GPU, or with a "
        "CPU-only torch they cannot run.",
        signs=(
            Sign(r"No GPU found\. A GPU is needed for quantization"),
            Sign(r"GPU is required to (?:quantize|run)(?: or run)? (?:AWQ |GPTQ |a )?quantize"),
            Sign(r"None of the available devices .{0,80}are supported by the bitsandbytes version you have installed"),
            Sign(r"quantization is only (?:available|supported|possible) (?:on|for|with) (?:a )?(?:CUDA|NVIDIA|GPU)"),
            Sign(
                r"compiled without GPU support\. 8-bit optimizers",
                FAIR,
                also=(r"Traceback|Error: ",),
                unless=(r"libbitsandbytes_cuda|CUDA Setup failed",),
            ),
            Sign(r"libbitsandbytes_cpu\.so", FAIR, also=(r"/Users/|darwin|macOS|miniforge3", r"Error")),
            Sign(
                r"bitsandbytes.{0,40}requires (?:Accelerate|the latest version of)",
                FAIR,
                also=(r"/Users/|darwin|macOS|\bMac(?:Book)?\b|Apple Silicon|\bM[1-4](?: (?:Pro|Max|Ultra))?\b",),
            ),
            Sign(
                r"Torch not compiled with CUDA enabled",
                FAIR,
                also=(r"bitsandbytes[/\\]|auto_gptq[/\\]|awq[/\\]|load_in_[48]bit",),
                near=1500,
            ),
            Sign(r"8-bit operations on `?bitsandbytes`? are not supported under CPU"),
            Sign(r"bitsandbytes.{0,60}requires CUDA", FAIR),
            Sign(r"CUDA is required but not available for bitsandbytes"),
            Sign(r"devices are supported by bitsandbytes", FAIR),
            Sign(r"quantiz(?:ed models?|ation).{0,40}(?:requires?|needs?) (?:a |an )?(?:NVIDIA |CUDA )?GPU", FAIR),
            Sign(r"quantized model without CUDA", FAIR),
            Sign(r"load_in_8bit=True`? requires Accelerate", FAIR, also=(r"/Users/|darwin|macOS",)),
        ),
        fixes=(
            Fix(
                "Load the model unquantized (torch_dtype=torch.float16 on a GPU or MPS, float32 or bfloat16 on the CPU), without "
                "load_in_4bit / load_in_8bit / quantization_config; choose a smaller model if it does not fit.",
                code='model = AutoModelForCausalLM.from_pretrained(name, torch_dtype="auto")   # no BitsAndBytesConfig',
            ),
            Fix("On a Mac use a format made for it: GGUF with llama.cpp (Ollama), or MLX.", when="os=macos"),
            Fix(
                "Without an NVIDIA GPU use GGUF with llama.cpp on the CPU, or run it on a machine with an NVIDIA GPU and a CUDA build "
                "of torch."
            ),
            Fix(
                "If the machine has an NVIDIA GPU: check that torch is a CUDA build that sees it.",
                commands=('python -c "import torch; print(torch.version.cuda, torch.cuda.is_available())"',),
                when="os!=macos",
            ),
        ),
        refines=("cuda-hardcoded", "torch-cpu-only-build", "bitsandbytes-missing"),
        examples=(
            '  File "/opt/venv/lib/python3.11/site-packages/transformers/quantizers/quantizer_bnb_4bit.py", line 73, in '
            "validate_environment\nRuntimeError: No GPU found. A GPU is needed for quantization.",
            "RuntimeError: GPU is required to quantize or run quantize model.",
            "RuntimeError: None of the available devices `available_devices = {'cpu', 'mps'}` are supported by the bitsandbytes "
            "version you have installed: `bnb_supported_devices = {'cuda', 'xpu'}`.",
            "NotImplementedError: 8-bit operations on `bitsandbytes` are not supported under CPU!",
            "RuntimeError: CUDA is required but not available for bitsandbytes. Please consider installing the multi-platform enabled version of bitsandbytes",
            "ImportError: Using `bitsandbytes` 4-bit quantization requires the latest version of bitsandbytes: `pip install -U bitsandbytes` (on a MacBook M2)",
        ),
        counterexamples=("quantized model loaded on the GPU in 4-bit, 5.1 GB used",),
    ),
    Cause(
        slug="quantization-method-unsupported-gpu",
        title="The quantization method {method|of the model} needs compute capability {wanted|of a newer GPU}, this GPU has {have|less}",
        why="The kernels of a quantization method are written for a minimum GPU generation; the server checks it before loading.",
        signs=(
            Sign(
                r"quantization method (?P<method>\S+) is not supported for the current GPU\. Minimum capability: (?P<wanted>\d+)\.(?: "
                r"Current capability: (?P<have>\d+))?"
            ),
            Sign(r"quantization method \S+ is not supported for the current GPU", FAIR),
        ),
        fixes=(
            Fix(
                "Use FP16 weights or another quantization (GPTQ, AWQ, bitsandbytes) that this GPU supports, or --dtype half with the "
                "unquantized model."
            ),
            Fix("Or run the model on a GPU of the required compute capability."),
        ),
        examples=(
            "ValueError: The quantization method awq is not supported for the current GPU. Minimum capability: 75. Current capability: 70.",
        ),
        counterexamples=("The quantization method awq is experimental and slower than GPTQ",),
    ),
)
