"""Code and torch of different times: torch too old, names that torch removed, local files in torch's way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_NEWER = (
    "_dynamo _inductor _scaled_mm accelerator AcceleratorError amax amin aminmax amp are_deterministic_algorithms_enabled asarray "
    "bfloat16 bool BoolTensor broadcast_shapes bucketize clip compile compiler complex64 concat concatenate cond corrcoef cov cummax "
    "cummin diff empty_permuted Event export fft float4_e2m1fn_x2 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz "
    "float8_e8m0fnu floor_divide frombuffer func fx get_autocast_dtype get_autocast_gpu_dtype get_default_device get_device_module "
    "gradient GradScaler heaviside histogram hstack inference_mode int1 int2 int4 is_autocast_cpu_enabled is_complex "
    "is_inference_mode_enabled isin isreal linalg logaddexp logical_not maximum minimum moveaxis movedim mps mtia nan_to_num nanmean "
    "nansum nested nonzero_static OutOfMemoryError permute pi polar quantile rms_norm scatter_reduce searchsorted set_autocast_dtype "
    "set_default_device set_deterministic set_float32_matmul_precision special swapaxes sym_float sym_int sym_max sym_min sym_not "
    "SymBool SymFloat SymInt take_along_dim tensor_split tile true_divide uint1 uint16 uint2 uint32 uint4 uint64 unravel_index "
    "use_deterministic_algorithms view_as_complex view_as_real vmap vstack while_loop xpu"
).replace(" ", "|")
_PARTS = (
    (
        "accelerator amp autograd backends backends.cuda backends.cudnn backends.mps cuda cuda.amp distributed distributions fft linalg mps nn "
        "nn.functional nn.init nn.parallel nn.utils nn.utils.parametrizations onnx optim optim.lr_scheduler profiler random sparse special "
        "utils utils.checkpoint utils.data xpu"
    )
    .replace(".", r"\.")
    .replace(" ", "|")
)
_STDLIB = (
    "abc accelerate argparse array ast asyncio bisect calendar code codecs collections copy copyreg csv ctypes dataclasses datasets "
    "datetime decimal dis email enum filelock functools glob graphlib hashlib heapq html http huggingface_hub importlib inspect io "
    "jinja2 json keyword linecache locale logging math multiprocessing networkx numbers numpy operator os packaging pathlib peft pickle "
    "platform profile queue random re regex requests safetensors select selectors shutil signal socket ssl stat statistics string struct "
    "subprocess symbol sympy sys tempfile test textwrap threading time timeit token tokenize tokenizers torch torchvision tqdm traceback "
    "transformers triton types typing unittest uuid warnings weakref yaml zipfile"
).replace(" ", "|")


def _own_file(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether the file that carries a library's name is the user's own."""
    path = groups["file"].replace("\\", "/")
    own = not any(
        part in path for part in ("site-packages/", "dist-packages/", "/lib/python", "/Lib/", "<frozen", "/lib64/python", "/usr/lib/")
    )
    return own and "Programs/Python" not in path


CAUSES = (
    Cause(
        slug="torch-too-old-for-library",
        title="The installed torch is older than the code that uses it needs",
        why="The library (transformers, diffusers, torchvision, a newer project) uses a name that this torch does not have yet, or it "
        "checks the version itself and refuses or switches torch off.",
        signs=(
            Sign(rf"module '?torch'? has no attribute '(?P<name>{_NEWER})'"),
            Sign(r"module '?torch\.(?:library|_library)'? has no attribute '(?P<name>\w+)'"),
            Sign(r"module 'torch\.utils\._pytree' has no attribute '(?P<name>\w+)'"),
            Sign(
                r"module 'torch\.(?:amp|backends|nn|nn\.functional|cuda|distributed|fx|compiler|utils|utils\.data|_C\._dynamo)' has no "
                r"attribute '(?P<name>GradScaler|mps|RMSNorm|attention|scaled_dot_product_attention|fsdp|tensor|_tensor|is_compiling|"
                r"is_dynamo_compiling|device_mesh|init_device_mesh|cudnn_sdp_enabled|enable_cudnn_sdp|_symbolic_trace|is_bf16_supported|"
                r"all_gather_into_tensor|_all_gather_base|_reduce_scatter_base|mem_get_info|buffer)'"
            ),
            Sign(r"cannot import name '(?P<name>GradScaler|custom_fwd|custom_bwd)' from 'torch\.amp"),
            Sign(rf"module 'torch\.(?:{_PARTS})' has no attribute '(?P<name>(?!_)\w+)'", FAIR),
            Sign(rf"cannot import name '(?P<name>(?!_)\w+)' from 'torch\.(?:{_PARTS})'", FAIR),
            Sign(
                r"No module named '(?P<name>torch\.(?:distributed\.(?:tensor|_tensor|device_mesh|fsdp|checkpoint|elastic|run|"
                r"_composable)|_dynamo|_inductor|compiler|nn\.attention|accelerator|export|func|fx|ao|library|_export|mps|xpu|nested|"
                r"sparse|monitor|_prims|_subclasses)[\w.]*)'"
            ),
            Sign(
                r"cannot import name '(?P<name>\w+)' from 'torch\.(?:distributed\.(?:tensor|fsdp|device_mesh|_tensor|algorithms)|"
                r"nn\.attention|utils\._pytree|_dynamo|_inductor|library|export|fx|compiler)[\w.]*'",
                FAIR,
            ),
            Sign(r"Disabling PyTorch because PyTorch >= ?(?P<wanted>[\d.]+) is required but found (?P<found>[\d.+\w]+)"),
            Sign(
                r"torch>=?(?P<wanted>[\d.]+\d)[^ ]{0,20} is required for a normal functioning of this module, but found "
                r"torch==(?P<found>[\d.+\w]+)"
            ),
            Sign(
                r"(?:PyTorch|torch) version (?:>=|at least|must be at least|needs to be at least) "
                r"?(?P<wanted>\d[\d.]*\d).{0,40}(?:found|have|got|installed)",
                FAIR,
            ),
            Sign(r"requires? (?:PyTorch|torch)(?: version)? ?(?:>=|at least|or (?:higher|newer)) ?(?P<wanted>[12]\.\d[\d.]*)", FAIR),
            Sign(
                r"requires? torch>=?(?P<wanted>[12]\.[\d.]+), but you have torch (?P<found>[\d.]+)",
                FAIR,
                unless=(r"torch(?:vision|audio) [\d.+cu]+ requires",),
            ),
            Sign(r"infer_schema\(func\): Parameter \w+ has unsupported type", FAIR),
        ),
        unless=(r"partially initialized module 'torch'", r"upgrade torch to at least v2\.6"),
        refines=("torch-install-broken",),
        fixes=(
            Fix(
                "Upgrade torch together with torchvision and torchaudio (torch.compiler needs 2.1 or newer, transformers 4.50 and later "
                "too).",
                ("python -m pip install -U torch torchvision torchaudio", 'python -c "import torch; print(torch.__version__)"'),
            ),
            Fix(
                "Or downgrade: install an older version of the library that still supports this torch (transformers 4.49 for torch 2.0).",
                ('python -m pip install "transformers<4.50"',),
            ),
        ),
        decide="pip list | grep -i -e torch -e transformers -e diffusers",
        examples=(
            "AttributeError: module 'torch' has no attribute 'compiler'",
            "Disabling PyTorch because PyTorch >= 2.2 is required but found 2.0.1+cu117",
            "ModuleNotFoundError: No module named 'torch.distributed.tensor'",
            "AttributeError: module 'torch.cuda' has no attribute 'mem_get_info'",
            "ImportError: cannot import name 'DeviceMesh' from 'torch.distributed' (/srv/env/lib/python3.10/site-packages/torch/distributed/__init__.py)",
        ),
        counterexamples=("AttributeError: module 'torch' has no attribute 'foo_bar_baz'",),
    ),
    Cause(
        slug="code-uses-removed-torch-api",
        title="The code uses a name that newer torch, torchvision or torchaudio has removed",
        why="The project was written for an older release. The name it imports was deprecated and then taken away, so the installed "
        "version is too new for it, not broken.",
        signs=(
            Sign(r"No module named 'torch\._six'"),
            Sign(r"cannot import name '\w+' from 'torch\._six'"),
            Sign(r"No module named 'torchvision\.(?:models\.utils|transforms\.functional_tensor)'"),
            Sign(r"cannot import name 'load_state_dict_from_url' from 'torchvision"),
            Sign(r"No module named 'torchtext\.legacy'"),
            Sign(r"module 'torchtext\.data' has no attribute '(?:Field|BucketIterator|TabularDataset|Dataset|get_tokenizer)'"),
            Sign(r"module 'torch' has no attribute '(?:rfft|irfft|symeig|gels|qr_solve|lstsq|eig|solve|matrix_rank)'"),
            Sign(
                r"module 'torchaudio' has no attribute '(?:set_audio_backend|get_audio_backend|list_audio_backends|info|AudioMetaData|io|"
                r"sox_effects|load_wav)'"
            ),
            Sign(r"No module named 'torchaudio\.(?:backend|sox_effects|io|kaldi_io)[\w.]*'"),
            Sign(r"cannot import name '(?:zero_gradients)' from 'torch\.autograd\.gradcheck'"),
            Sign(r"cannot import name '_(?:new_process_group_helper|get_global_rank)\w*' from 'torch\.distributed", FAIR),
            Sign(r"cannot import name 'log' from 'torch\.distributed\.elastic"),
            Sign(r"cannot import name '_download_url_to_file' from 'torch"),
            Sign(r"No module named 'torch\.(?:utils\.ffi|onnx\.symbolic_registry|distributed\.deprecated)'"),
            Sign(r"torch\.utils\.ffi is deprecated"),
            Sign(r"THC/THC\.h: No such file or directory"),
            Sign(r"fatal error: THC/THC\w*\.c?u?h"),
            Sign(r"Cannot open include file: 'THC/THC\w*\.c?u?h'"),
        ),
        explains=("ninja-build-failed", "pip-build-failed", "cuda-headers-missing"),
        fixes=(
            Fix(
                "Upgrade the project (or package) that imports the removed name to a version for the installed torch.",
                ("python -m pip install -U PACKAGE",),
            ),
            Fix(
                "Or install the torch release it was written for, with matching torchvision and torchaudio (below 2.0 for torch._six; "
                "torchvision below 0.17 for functional_tensor; torchaudio below 2.9 for its backends; torch below 1.11 for THC/THC.h).",
                ("pip install torch==1.13.1 torchvision==0.14.1 torchaudio==0.13.1",),
            ),
            Fix(
                "Or replace the name in the code.",
                code="from torchvision.transforms.functional import rgb_to_grayscale  # was: transforms.functional_tensor\nstring_classes "
                "= (str, bytes)  # was: from torch._six import string_classes",
            ),
        ),
        examples=(
            "    from torch._six import container_abcs\nModuleNotFoundError: No module named 'torch._six'",
            "ModuleNotFoundError: No module named 'torchvision.transforms.functional_tensor'",
        ),
        counterexamples=("ModuleNotFoundError: No module named 'six'",),
    ),
    Cause(
        slug="shadowed-module",
        title="A local file or folder has the name of a library or standard module and is imported in its place",
        why="Python looks in the script's own folder first. A file such as {name|torch}.py there (or a folder of that name) hides the "
        "real module, which then is half imported or lacks everything.",
        signs=(
            Sign(r"consider renaming '(?P<file>[^']{1,300}?(?P<name>[\w-]+)\.py)' since it has the same name as"),
            Sign(
                r"partially initialized module '(?P<name>torch|numpy|transformers|datasets|tokenizers|accelerate|random|typing|types|"
                r"copy|enum)' has no attribute"
            ),
            Sign(
                r"cannot import name '\w+' from partially initialized module '(?P<name>\w+)' \(most likely due to a circular import\) "
                r"\((?P<file>[^)]{1,300})\)",
                test=lambda groups, situation: _own_file(groups, situation) and groups["file"].endswith(groups["name"] + ".py"),
            ),
            Sign(
                r"cannot import name '\w+' from partially initialized module '(?P<name>torch|numpy|transformers|datasets|tokenizers|"
                r"accelerate)' \(most likely due to a circular import\)(?! \()"
            ),
            Sign(  # a library's own import statement that ends in a file beside the script
                r"(?:site|dist)-packages[/\\][^\"]{1,200}\", line \d+, in <module> (?:import|from) (?P<name>\w+)\b[^\"]{0,120} File "
                r"\"(?P<file>[^\"]{1,300}[/\\](?P=name)\.py)\", line",
                also=(r"(?:AttributeError|ImportError|ModuleNotFoundError): ",),
                test=_own_file,
            ),
            Sign(r"'(?P<name>torch|transformers|datasets|tokenizers|accelerate|numpy)' is not a package"),
            Sign(r"loaded the `torch/_C` folder"),
            Sign(
                rf"File \"(?P<file>[^\"]{{1,300}}[/\\](?P<name>{_STDLIB})\.py)\", line",
                also=(r"torch[/\\]__init__\.py", r"(?:AttributeError|ImportError|ModuleNotFoundError): "),
                test=_own_file,
            ),
            Sign(
                rf"File \"(?P<file>(?P<name>{_STDLIB})\.py)\", line",
                FAIR,
                also=(r"(?:has no attribute|cannot import name)",),
                test=_own_file,
            ),
            Sign(
                r"cannot import name '\w+' from '(?P<name>torch|transformers|datasets|tokenizers|accelerate|numpy|peft)' \((?P<file>[^)\s]{0,280}[/\\][^)]{1,100})\)",
                FAIR,
                test=_own_file,
            ),
        ),
        unless=(r"partially initialized module 'torchvision'",),
        explains=("torch-install-broken", "conda-pip-torch-mix", "torch-not-installed-wrong-interpreter", "torch-too-old-for-library"),
        fixes=(
            Fix(
                "Rename the local file {file} so that it no longer shadows the standard library or package named {name}, delete "
                "__pycache__ beside it.",
            ),
            Fix(
                "Rename the local file or folder that has the library's name (torch.py, random.py, a folder named torch), delete "
                "__pycache__, or run from another directory.",
                ('python -c "import torch; print(torch.__file__)"',),
            ),
        ),
        decide='python -c "import torch; print(torch.__file__)"',
        examples=(
            "AttributeError: partially initialized module 'torch' has no attribute 'nn' (most likely due to a circular import)",
            '  File "/opt/py/lib/python3.10/site-packages/torch/__init__.py", line 29, in <module>\n    import copy\n  File '
            '"/home/ole/work/copy.py", '
            "line 3, in <module>\n    import torch\nAttributeError: module 'torch' has no attribute 'Tensor'",
            "AttributeError: module 'random' has no attribute 'Random' (consider renaming '/home/ole/random.py' since it has the same "
            "name as the standard library module named 'random' and prevents importing that standard library module)",
            "ImportError: cannot import name 'load_dataset' from 'datasets' (/home/ana/exp/datasets/__init__.py)",
        ),
        counterexamples=("  File \"/home/ole/main.py\", line 3, in <module>\nAttributeError: 'Net' object has no attribute 'fc'",),
    ),
    Cause(
        slug="torch-imported-twice",
        title="torch was imported a second time in one process after its first import failed or was removed",
        why="torch's compiled half cannot be initialised twice. In a notebook or debugger the first import failed (or modules were "
        "reloaded), and the second attempt fails with another, misleading message.",
        signs=(
            Sign(r"function '_has_torch_function' already has a docstring"),
            Sign(r"generic_type: type \"?\w+\"? is already registered", WEAK, also=(r"torch",)),
            Sign(r"Only a single TORCH_LIBRARY can be used to register the namespace", FAIR),
        ),
        refines=("conda-pip-torch-mix",),
        fixes=(
            Fix(
                "Restart the kernel (the Python process) and import torch once; the first error of the fresh process is the real one.",
                risk="restart",
            ),
            Fix("Do not reload torch (importlib.reload, deleting it from sys.modules), and do not load two versions of one extension."),
        ),
        examples=("RuntimeError: function '_has_torch_function' already has a docstring",),
        counterexamples=("function 'foo' already has a docstring in the config",),
    ),
)
