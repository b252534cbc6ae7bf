"""Python packages beside torch that are missing, too old, or do not fit each other."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_KNOWN = (
    "GPUtil MinkowskiEngine PIL accelerate addict albumentations amp_C apex attr attrs auto_gptq av awq basicsr bitsandbytes boto3 "
    "causal_conv1d clip composer cupy cv2 datasets decord deepspeed detectron2 dgl diffusers easydict einops evaluate facexlib fairseq "
    "faiss fbgemm_gpu fire flash_attn fsspec ftfy fvcore gfpgan gptqmodel gradio groundingdino gym gymnasium h5py habana_frameworks "
    "horovod hqq huggingface_hub hydra imageio imgaug intel_extension_for_pytorch iopath jax jsonlines k_diffusion keras kornia librosa "
    "lightning lightning_fabric lmdb loguru mamba_ssm matplotlib megatron mmcv mmdet mmengine mmseg mpi4py nemo networkx ninja nltk "
    "numba omegaconf onnx onnxruntime open_clip optimum packaging pandas peft prettytable psutil pycocotools pynvml pytorch3d "
    "pytorch_lightning ray realesrgan regex rich rouge_score s3fs sacrebleu sacremoses safetensors scipy segment_anything "
    "sentence_transformers setuptools shapely six skimage sklearn soundfile spacy spconv stable_baselines3 streamlit sympy tabulate "
    "tensorboard tensorboardX tensorflow tensorrt termcolor thinc timm tokenizers torch2trt torch_cluster torch_geometric torch_scatter "
    "torch_sparse torch_xla torchao torchaudio torchdata torchmetrics torchrec torchtext torchvision tqdm transformer_engine "
    "transformers trl typing_extensions tyro ultralytics unsloth vllm wandb webdataset whisper xformers yacs yaml"
).replace(" ", "|")

CAUSES = (
    Cause(
        slug="module-not-installed",
        title="The Python package {module|that is imported} is not installed in the running interpreter",
        why="Python looks only into the environment of the interpreter that runs. The package was never installed there, or it was "
        "installed with the pip of another interpreter.",
        signs=(
            Sign(rf"No module named '(?P<module>{_KNOWN})(?:\.\w+){{0,5}}'", FAIR),
            Sign(rf"No module named (?P<module>{_KNOWN})(?![\w.'])", FAIR),
            Sign(r"This modeling file requires the following packages that were not found in your environment: (?P<module>\w+)"),
            Sign(
                r"requires the (?P<module>[\w-]{2,30}) library but it was not found in your environment",
                FAIR,
                unless=(r"requires the PyTorch library",),
            ),
            Sign(r"(?P<module>TensorBoard) logging requires TensorBoard version"),
            Sign(r"ImportError: Please install (?P<module>apex|xformers|deepspeed|fairscale|timm|einops)\b", FAIR),
            ends_in("transformers/dynamic_module_utils.py", "check_imports"),
            Sign(r"Cannot import .{0,300} module for custom nodes: No module named '?(?P<module>(?!torch\b|triton|numpy\b)\w+)", FAIR),
            Sign(
                r"(?:site|dist)-packages[/\\](?:transformers|diffusers|accelerate|peft|trl|vllm|torch\w{0,8}|lightning|pytorch_lightning|mmcv|mmdet|ultralytics|xformers|deepspeed|sglang|timm|fairseq|detectron2)[/\\].{0,300}ModuleNotFoundError: No module named '(?P<module>(?!torch\b|triton|numpy\b|google|sentencepiece|tiktoken)\w+)'",
                FAIR,
            ),
            Sign(
                r"No module named '(?P<module>lpips|pytorch_msssim|sageattention|insightface|mediapipe|rembg|openpyxl|onnxsim|thop|pycuda|modelscope|lmdeploy|sglang|flashinfer|exllamav2|autoawq|fairscale|torchsde|torchdiffeq|skvideo|ffmpeg|editdistance|jiwer|pesq|pystoi|laion_clap|nnunet|monai|nibabel|SimpleITK|torchio|rdkit|ogb|natten|imwatermark|invisible_watermark|clip_interrogator|openai|langchain|tyro|open3d|trimesh|pytorch_wavelets|ptflops|fvcore|colossalai|dotenv|requests|pydantic|fastapi|uvicorn|seaborn|plotly|cython|Cython|pyarrow|optuna|tensorflow_datasets|tensorflow_hub|pyannote|speechbrain|espnet|TTS|faster_whisper|ctranslate2|pyworld|parselmouth|unidic|nuscenes|mmpose|mmaction|mmpretrain|mmcls|mmrotate|mmdet3d|mmdeploy|pointnet2_ops|knn_cuda|chamfer|nvdiffrast|tinycudann|simple_knn|diff_gaussian_rasterization|gsplat|curope|liger_kernel|unsloth_zoo|cut_cross_entropy|xlsxwriter|pytest|jupyter|ipywidgets|IPython|wget|gdown|patool|blobfile|mup|lightning_utilities|torch_optimizer|prodigyopt|lion_pytorch|dadaptation|came_pytorch|toml|voluptuous|opensimplex|zmq|msgpack|lxml|bs4)(?:\.\w+){0,5}'",
                FAIR,
            ),
            Sign(
                r"No module named (?P<module>lpips|pytorch_msssim|sageattention|insightface|mediapipe|rembg|openpyxl|onnxsim|thop|pycuda|modelscope|lmdeploy|sglang|flashinfer|exllamav2|autoawq|fairscale|torchsde|torchdiffeq|skvideo|ffmpeg|editdistance|jiwer|pesq|pystoi|laion_clap|nnunet|monai|nibabel|SimpleITK|torchio|rdkit|ogb|natten|imwatermark|invisible_watermark|clip_interrogator|openai|langchain|tyro|open3d|trimesh|pytorch_wavelets|ptflops|fvcore|colossalai|dotenv|requests|pydantic|fastapi|uvicorn|seaborn|plotly|cython|Cython|pyarrow|optuna|tensorflow_datasets|tensorflow_hub|pyannote|speechbrain|espnet|TTS|faster_whisper|ctranslate2|pyworld|parselmouth|unidic|nuscenes|mmpose|mmaction|mmpretrain|mmcls|mmrotate|mmdet3d|mmdeploy|pointnet2_ops|knn_cuda|chamfer|nvdiffrast|tinycudann|simple_knn|diff_gaussian_rasterization|gsplat|curope|liger_kernel|unsloth_zoo|cut_cross_entropy|xlsxwriter|pytest|jupyter|ipywidgets|IPython|wget|gdown|patool|blobfile|mup|lightning_utilities|torch_optimizer|prodigyopt|lion_pytorch|dadaptation|came_pytorch|toml|voluptuous|opensimplex|zmq|msgpack|lxml|bs4)(?![\w.'])",
                FAIR,
            ),
            Sign(
                r"\w+ requires (?P<module>tensorboard|wandb|clearml|mlflow|comet_ml|neptune|codecarbon|optuna|ray|dvclive)\S{0,12} to be installed",
                FAIR,
            ),
            Sign(r"Missing optional dependency '(?P<module>[\w-]+)'", FAIR),
            Sign(
                r"(?:requires|needs) (?:the )?.{0,40}\(`pip install (?P<module>(?!accelerate|bitsandbytes|flash|torch\b|triton)[\w-]+)`?\)",
                FAIR,
            ),
            Sign(r"facebookresearch/(?P<module>xformers) for more information on how to install"),
            Sign(
                r"PackageNotFoundError: (?:No package metadata was found for )?(?P<module>accelerate|transformers|diffusers|peft|safetensors|datasets|tqdm|regex|requests|filelock|pyyaml|sentence-transformers|torchvision|auto-gptq|optimum|deepspeed|xformers|vllm|imageio|opencv-python)(?![\w-])",
                FAIR,
            ),
        ),
        unless=(r"is not a package", r"pip-build-env", r"consider renaming"),
        explains=("pip-build-failed",),
        fixes=(
            Fix(
                "Install it with the interpreter that runs, in a version that fits torch, then restart the kernel: python -m pip install "
                "{module|the package}.",
                ("python -m pip install {module|PACKAGE}", 'python -c "import sys; print(sys.executable)"'),
            ),
            Fix(
                "The package's name can differ from the module's: cv2 is opencv-python, PIL is pillow, sklearn is scikit-learn, yaml is "
                "pyyaml, apex, mmcv and detectron2 are installed from their own pages; pkg_resources and distutils come with setuptools.",
                ("python -m pip install opencv-python pillow scikit-learn pyyaml",),
            ),
        ),
        decide="python -m pip show {module|PACKAGE}; which -a python pip",
        examples=(
            'Traceback (most recent call last):\n  File "finetune.py", line 6, in <module>\n    from datasets import load_dataset\n'
            "ModuleNotFoundError: No module named 'datasets'",
            "Cannot import /opt/ComfyUI/custom_nodes/tts_node module for custom nodes: No module named 'parler_tts'",
            "  File \"/opt/v/lib/python3.11/site-packages/transformers/models/xlnet/tool.py\", line 5, in <module>\n    import texttool\nModuleNotFoundError: No module named 'texttool'",
            "RuntimeError: TensorBoardCallback requires tensorboard to be installed. Either update your PyTorch version or install tensorboardX.",
            "ImportError: Loading an AWQ quantized model requires auto-awq library (`pip install autoawq`)",
        ),
        counterexamples=("ModuleNotFoundError: No module named 'my_helpers'",),
    ),
    Cause(
        slug="accelerate-missing-or-old",
        title="accelerate is missing, or too old, in the interpreter that runs",
        why="transformers and diffusers leave device_map, low_cpu_mem_usage, quantized loading and the Trainer's device handling to the "
        "accelerate package and check its version when they need it.",
        signs=(
            Sign(r"(?:requires?|needs) Accelerate\b.{0,60}pip install"),
            Sign(r"requires `?accelerate`?(?:>=| >= | version)"),
            Sign(r"Using (?:the )?`?Trainer`? with `?PyTorch`? requires `?accelerate"),
            Sign(r"low_cpu_mem_usage=True`? or a `?device_map`? requires Accelerate"),
            Sign(r"accelerate>=?(?P<wanted>[\d.]+\d) is required for a normal functioning of this module"),
            Sign(r"No module named 'accelerate'"),
            Sign(r"cannot import name '(?P<name>\w+)' from 'accelerate[\w.]*'"),
            Sign(
                r"__init__\(\) got an unexpected keyword argument '(?:dispatch_batches|even_batches|use_seedable_sampler|logging_dir|"
                r"dataloader_config|use_configured_state|non_blocking)'",
                FAIR,
                also=(r"(?:accelerat|trainer\.py)",),
            ),
            Sign(r"Please run `pip install transformers\[torch\]` or `pip install (?:'accelerate>=\{?[\w.]+\}?'|accelerate -U)`"),
            Sign(r"module 'accelerate' has no attribute", FAIR),
            Sign(r"clear_device_cache.{0,60}accelerate\.utils", FAIR),
            Sign(r"`?accelerate`? was not found in the environment", FAIR),
            Sign(r"requires `?accelerate v[\d.]+`? or higher"),
            Sign(r"name '(?:init_empty_weights|load_checkpoint_and_dispatch|dispatch_model|infer_auto_device_map)' is not defined", FAIR),
            Sign(r"Accelerator\.\w+\(\) got an unexpected keyword argument"),
            Sign(r"'AcceleratorState' object has no attribute", FAIR),
        ),
        unless=(r"partially initialized module 'accelerate'", r"'accelerate' is not a package"),
        refines=("module-not-installed", "library-argument-renamed"),
        fixes=(
            Fix(
                "Upgrade (install) accelerate with the interpreter that runs the program; in a portable package use its own python "
                "(python_embeded\\python.exe -m pip).",
                ("python -m pip install -U accelerate",),
            ),
            Fix("Then restart the kernel or the program: versions that are already imported stay.", risk="restart"),
            Fix("If it still asks, upgrade transformers too, so that both fit.", ("python -m pip install -U transformers accelerate",)),
        ),
        decide="python -m pip show accelerate transformers",
        examples=(
            "ImportError: Using the `Trainer` with `PyTorch` requires `accelerate>=0.26.0`: Please run `pip install transformers[torch]` "
            "or `pip install 'accelerate>={ACCELERATE_MIN_VERSION}'`",
            "ImportError: Using `low_cpu_mem_usage=True` or a `device_map` requires Accelerate: `pip install 'accelerate>=0.26.0'`",
            "TypeError: Accelerator.unwrap_model() got an unexpected keyword argument 'keep_torch_compile'",
            "NameError: name 'init_empty_weights' is not defined",
        ),
        counterexamples=("accelerate 1.2.0 is installed; this requires a GPU to accelerate training",),
    ),
    Cause(
        slug="tokenizer-dependency-missing",
        title="The tokenizer needs a package that is not installed: sentencepiece, tiktoken or protobuf",
        why="Without a ready tokenizer.json transformers converts the slow tokenizer's files, which it reads with sentencepiece and "
        "protobuf (or tiktoken). They are not installed, so it can neither load nor convert.",
        signs=(
            Sign(r"Cannot instantiate this tokenizer from a slow version"),
            Sign(r"requires the SentencePiece library but it was not found"),
            Sign(r"requires the protobuf library but it was not found"),
            Sign(r"`?sentencepiece`? (?:is not installed|needs to be installed|is required)", FAIR),
            Sign(r"`?tiktoken`? is required to read a `?tiktoken`? file"),
            Sign(r"Couldn't instantiate the backend tokenizer from one of"),
            Sign(r"You need to have sentencepiece (?:or tiktoken )?installed to convert a slow tokenizer to a fast one"),
            Sign(r"requires the tiktoken library", FAIR),
            Sign(r"No module named '(?:sentencepiece|tiktoken|google\.protobuf|google)'"),
            Sign(r"Converting from SentencePiece and Tiktoken failed"),
            Sign(r"requires the (?:jieba|fugashi|rjieba|mecab|sacremoses|ftfy|pyctcdecode|unidic_lite|rhoknp|Cython) library", FAIR),
            Sign(r"You need to install (?:fugashi|sacremoses|pyctcdecode|unidic_lite|rhoknp|pythainlp|emoji)", FAIR),
            Sign(r"`?blobfile`? is not installed", FAIR),
            Sign(r"Converting from (?:Tiktoken|SentencePiece) failed"),
            Sign(r"\(1\).{0,120}`?tokenizers`?.{0,160}\(2\).{0,200}\(3\).{0,300}sentencepiece", FAIR),
            Sign(r"sentencepiece.{0,20}(?:instalado|instalada|installé|installiert|установлен|已安装)", FAIR),
        ),
        refines=("module-not-installed",),
        fixes=(
            Fix(
                "Install sentencepiece, protobuf and tiktoken in the interpreter that runs and restart the kernel.",
                ("python -m pip install sentencepiece protobuf tiktoken",),
            ),
            Fix(
                "If they are installed, the tokenizer's files are incomplete (tokenizer.model or tokenizer.json): download them again, "
                "or upgrade transformers.",
                ("python -m pip install -U transformers tokenizers",),
            ),
        ),
        examples=(
            "ValueError: Cannot instantiate this tokenizer from a slow version. If it's based on sentencepiece, make sure you have "
            "sentencepiece installed.",
            "ImportError: LlamaTokenizer requires the SentencePiece library but it was not found in your environment.",
            "ValueError: Couldn't instantiate the backend tokenizer from one of: (1) a `tokenizers` library serialization file, (2) a slow tokenizer instance to convert or (3) an equivalent slow tokenizer class to instantiate and convert. You need to have sentencepiece installed to convert a slow tokenizer to a fast one.",
        ),
        counterexamples=("tokenizer loaded from tokenizer.json",),
    ),
    Cause(
        slug="tokenizers-version-mismatch",
        title="The installed tokenizers version is outside of what this transformers allows",
        why="transformers checks at import that tokenizers lies in the range it was tested with. Here it finds {found|another version}.",
        signs=(
            Sign(
                r"(?P<wanted>tokenizers[<>=!][\w.,<>=!]{1,60}) is required for a normal functioning of this module, but found "
                r"tokenizers==(?P<found>[\w.]+)"
            ),
            Sign(r"transformers \S{1,20} requires (?P<wanted>tokenizers[\w.,<>=!]{1,60}), but you have tokenizers (?P<found>\d[\w.]*)"),
            Sign(
                r"huggingface[-_]hub[<>=!][\w.,<>=!]{1,60} is required for a normal functioning of this module, but found "
                r"huggingface[-_]hub==(?P<found>[\w.]+)",
                FAIR,
            ),
            Sign(r"cannot import name '\w+' from 'tokenizers[\w.]*'", FAIR),
        ),
        fixes=(
            Fix(
                "Install the tokenizers version that transformers asks for ({wanted|see the message}), with the interpreter that runs.",
                ("python -m pip install '{wanted}'",),
            ),
            Fix(
                "Or install (upgrade or downgrade to) another version of transformers together with its tokenizers, so that pip chooses "
                "both.",
                ("python -m pip install -U transformers tokenizers",),
            ),
        ),
        wrong_advice="'pip install transformers -U' alone can widen the gap if pip leaves tokenizers where it is.",
        examples=(
            "ImportError: tokenizers>=0.21,<0.22 is required for a normal functioning of this module, but found tokenizers==0.19.1.",
            "ImportError: cannot import name 'DecodeStream' from 'tokenizers.decoders' (/opt/v/lib/python3.10/site-packages/tokenizers/decoders/__init__.py)",
        ),
        counterexamples=("tokenizers 0.21.0 already satisfied",),
    ),
    Cause(
        slug="transformers-peft-version-mismatch",
        title="peft (or a similar add-on) imports a name that the installed transformers does not have",
        why="peft follows transformers' internals closely. A newer peft expects names such as {name|EncoderDecoderCache} that an older "
        "transformers lacks, and an older peft uses names that a newer transformers has removed.",
        signs=(
            Sign(
                r"cannot import name '(?P<name>EncoderDecoderCache|HybridCache|Cache|DynamicCache|is_torch_tpu_available|"
                r"QuantizationConfigMixin|BloomPreTrainedModel|StaticCache|PreTrainedModel|is_peft_available)' from 'transformers[\w.]*'",
                also=(r"(?:\bpeft\b|transformers\.trainer)",),
            ),
            Sign(r"cannot import name '(?P<name>EncoderDecoderCache|HybridCache)' from 'transformers"),
            Sign(r"peft[/\\].{0,250}cannot import name '(?P<name>\w+)' from 'transformers"),
            Sign(r"cannot import name '(?P<name>\w+)' from 'peft[\w.]*'"),
            Sign(r"peft>=?(?P<wanted>[\d.]+\d) is required.{0,60}but found peft==(?P<found>[\d.]+)", FAIR),
            Sign(r"The version of PEFT you are using is not compatible, please use a version that is greater than (?P<wanted>[\d.]+\d)"),
            Sign(r"module 'peft' has no attribute '\w+'", FAIR),
            Sign(r"LoraConfig\.__init__\(\) got an unexpected keyword argument '(?P<name>\w+)'"),
            Sign(
                r"__init__\(\) got an unexpected keyword argument '(?P<name>use_dora|use_rslora|eva_config|corda_config|loftq_config|layer_replication|lora_bias|exclude_modules|trainable_token_indices|qalora_group_size|arrow_config|alora_invocation_tokens|target_parameters|layers_pattern)'",
                FAIR,
            ),
        ),
        refines=(
            "out-of-date-transformers",
            "library-argument-renamed",
        ),
        fixes=(
            Fix(
                "Upgrade transformers and peft together (with accelerate), so that the versions match.",
                ("python -m pip install -U transformers peft accelerate",),
            ),
            Fix(
                "Or keep transformers and pin (downgrade) peft to an older version of the same time: 0.10 to 0.13 for transformers 4.40 "
                "to 4.45, for example.",
                ('python -m pip install "peft<0.18"',),
            ),
        ),
        decide="python -m pip show transformers peft accelerate",
        examples=(
            '  File "/opt/v/lib/python3.11/site-packages/peft/peft_model.py", line 37, in <module>\n    from transformers import '
            "Cache, DynamicCache, "
            "EncoderDecoderCache, PreTrainedModel\nImportError: cannot import name 'EncoderDecoderCache' from 'transformers'",
            "TypeError: LoraConfig.__init__() got an unexpected keyword argument 'eva_config'",
        ),
        counterexamples=("ImportError: cannot import name 'foo' from 'my_package'",),
    ),
    Cause(
        slug="protobuf-version-conflict",
        title="protobuf 4 or newer meets generated code made by an older protoc",
        why="Generated *_pb2.py files of before protoc 3.19 cannot be used by protobuf 4 and later. Some package (tensorboard, wandb, "
        "onnx, sentencepiece models, a project's own) still ships such files.",
        signs=(
            Sign(r"Descriptors (?:can|should )not (?:not )?be created directly"),
            Sign(r"If you cannot immediately regenerate your protos"),
            Sign(r"cannot import name '(?:builder|runtime_version)' from 'google\.protobuf"),
            Sign(r"module 'google\.protobuf\.\w+' has no attribute '\w+'", FAIR),
            Sign(r"'MessageFactory' object has no attribute 'GetPrototype'"),
            Sign(r"Detected incompatible Protobuf Gencode/Runtime versions"),
            Sign(r"Descriptors (?:can|should) ?not (?:not )?be cre"),
            Sign(r"Message\._CheckCalledFromGeneratedFile\(\)", FAIR),
            Sign(r"Couldn't build proto file into descriptor pool"),
            Sign(r"compiled against version \S{1,12} of the Protocol Buffer runtime library"),
            Sign(r"File already exists in database: \S{1,120}\.proto"),
            Sign(r"'FieldDescriptor' object has no attribute '\w+'", FAIR),
        ),
        fixes=(
            Fix("Install protobuf<=3.20.x (downgrade) in this environment.", ('python -m pip install "protobuf<=3.20.3"',)),
            Fix(
                "Or upgrade the package whose generated code is old (the last frame before google/protobuf names it).",
                ("python -m pip install -U PACKAGE",),
            ),
            Fix("As a slow stopgap use protobuf's Python implementation.", ("export PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python",)),
        ),
        decide="python -m pip show protobuf",
        examples=(
            "TypeError: Descriptors cannot be created directly.\nIf this call came from a _pb2.py file, your generated code is out of date",
            "[libprotobuf FATAL google/protobuf/stubs/common.cc:83] This program was compiled against version 3.9.2 of the Protocol Buffer runtime library, which is not compatible with the installed version (3.19.4).",
            "TypeError: Couldn't build proto file into descriptor pool: duplicate file name sentencepiece_model.proto",
            '  File "/opt/v/lib/python3.8/site-packages/google/protobuf/descriptor.py", line 560, in __new__\n    _message.Message._CheckCalledFromGeneratedFile()\nTypeError: Descriptors cannot not be cre',
        ),
        counterexamples=("protobuf 5.29 installed",),
    ),
)
