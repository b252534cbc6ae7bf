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
            Sign(r"Can't find factory for '(?:curated_)?transformer'", FAIR),
            ends_in("transformers/utils/import_utils.py", "requires_backends", code=r"raise ImportError\("),
            ends_in("torch/utils/tensorboard/__init__.py", "<module>", code=r"import tensorboard"),
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
            "ValueError: [E002] Can't find factory for 'transformer' for language English (en).",
            '  File "/opt/v/lib/python3.10/site-packages/transformers/utils/import_utils.py", line 1052, in requires_backends\n    raise ImportError("".join(failed))',
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
            Sign(r"device_map`? requires? `?accelerate", FAIR),
            Sign(r"'Accelerator' object has no attribute '\w+'", FAIR),
            Sign(r"name '(?:PartialState|AcceleratorState|Accelerator)' is not defined", FAIR),
            Sign(r"No module named 'accelerate\.[\w.]{2,60}'"),
            ends_in("transformers/training_args.py", "_setup_devices", code=r"raise ImportError\("),
            ends_in("transformers/modeling_utils.py", "from_pretrained", code=r"raise ImportError\("),
            ends_in("transformers/trainer.py", "create_accelerator_and_postprocess", code=r"Accelerator\("),
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
            Sign(r"module 'accelerate(?:\.\w+){0,3}' has no attribute", FAIR),
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
            "AttributeError: 'Accelerator' object has no attribute 'optimizer_step_was_skipped'",
            "AttributeError: module 'accelerate.utils' has no attribute 'DistributedType'",
            "NameError: name 'PartialState' is not defined",
            "ModuleNotFoundError: No module named 'accelerate.utils.memory'",
            '  File "/opt/v/lib/python3.10/site-packages/transformers/training_args.py", line 1787, in _setup_devices\n    raise ImportError(',
            "ImportError: Using the `Trainer` with `PyTorch` requires `accelerate>=0.26.0`: Please run `pip install transformers[torch]` "
            "or `pip install 'accelerate>={ACCELERATE_MIN_VERSION}'`",
            "ImportError: Using `low_cpu_mem_usage=True` or a `device_map` requires Accelerate: `pip install 'accelerate>=0.26.0'`",
            "TypeError: Accelerator.unwrap_model() got an unexpected keyword argument 'keep_torch_compile'",
            "NameError: name 'init_empty_weights' is not defined",
        ),
        counterexamples=("accelerate 1.2.0 is installed; this requires a GPU to accelerate training",),
    ),
    Cause(
        slug="transformers-peft-version-mismatch",
        title="peft (or a similar add-on) imports a name that the installed transformers does not have",
        why="peft follows transformers' internals closely. A newer peft expects names such as {name|EncoderDecoderCache} that an older "
        "transformers lacks, and an older peft uses names that a newer transformers has removed.",
        signs=(
            Sign(r"cannot import name '(?P<name>check_peft_version)'"),
            Sign(r"PEFT backend is required for this method"),
            ends_in("peft/peft_model.py", "<module>", code=r"from transformers import"),
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
            "ImportError: cannot import name 'check_peft_version' from 'transformers.utils' (/opt/v/lib/python3.10/site-packages/transformers/utils/__init__.py)",
            "ValueError: PEFT backend is required for this method. Please install the latest version of PEFT `pip install -U peft`",
            '  File "/opt/v/lib/python3.10/site-packages/peft/peft_model.py", line 37, in <module>\n    from transformers import Cache, DynamicCache, EncoderDecoderCache, PreTrainedModel',
            '  File "/opt/v/lib/python3.11/site-packages/peft/peft_model.py", line 37, in <module>\n    from transformers import '
            "Cache, DynamicCache, "
            "EncoderDecoderCache, PreTrainedModel\nImportError: cannot import name 'EncoderDecoderCache' from 'transformers'",
            "TypeError: LoraConfig.__init__() got an unexpected keyword argument 'eva_config'",
        ),
        counterexamples=("ImportError: cannot import name 'foo' from 'my_package'",),
    ),
)
