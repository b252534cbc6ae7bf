"""Another file in a module's place, and torch imported twice in one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

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
        slug="shadowed-module",
        title="A local file or folder has the name of a library or standard module and is imported in its place",
        why="Python looks in the script's own folder first. A file such as {name|torch}.py there (or a folder of that name) hides the "
        "real module, which then is half imported or lacks everything.",
        signs=(
            Sign(
                r"(?P<file>[^\s\"]{1,250}[/\\](?P<name>torchaudio|torchvision)[/\\](?:_extension|extension|__init__)\.py):\d+: UserWarning: .{0,60}extension is not avail",
                test=_own_file,
            ),
            Sign(
                r"(?P<file>[^\s\"]{1,250}[/\\](?P<name>torch)[/\\]__init__\.py)\W{1,3} line \d+,? in <module> .{0,300}No module named 'torch\.(?:_C|version)'",
                FAIR,
                test=_own_file,
            ),
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
            Sign(
                r"partially initialized module '(?P<name>whisper|openai|diffusers|matplotlib|scipy|sklearn|requests|wandb|gradio|peft|trl|timm|einops|tqdm|yaml|vllm|spacy|onnx|onnxruntime|tensorflow|jax|logging|string|queue|json|inspect|email|numbers|collections)' has no attribute"
            ),
            Sign(
                r"'(?P<name>tensorboard|diffusers|peft|wandb|spacy|onnx|timm|einops|vllm|deepspeed|utils|models|scipy|sklearn|PIL|whisper|openai)' is not a package"
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
            "/src/audio/torchaudio/_extension.py:11: UserWarning: torchaudio C++ extension is not available.",
            "  File \"/home/ole/pytorch/torch/__init__.py\", line 190, in <module>\n    from torch._C import *\nModuleNotFoundError: No module named 'torch._C'",
            "AttributeError: partially initialized module 'torch' has no attribute 'nn' (most likely due to a circular import)",
            '  File "/opt/py/lib/python3.10/site-packages/torch/__init__.py", line 29, in <module>\n    import copy\n  File '
            '"/home/ole/work/copy.py", '
            "line 3, in <module>\n    import torch\nAttributeError: module 'torch' has no attribute 'Tensor'",
            "AttributeError: module 'random' has no attribute 'Random' (consider renaming '/home/ole/random.py' since it has the same "
            "name as the standard library module named 'random' and prevents importing that standard library module)",
            "ImportError: cannot import name 'load_dataset' from 'datasets' (/home/ana/exp/datasets/__init__.py)",
            "AttributeError: partially initialized module 'whisper' has no attribute 'load_model' (most likely due to a circular import)",
            "ModuleNotFoundError: No module named 'utils.general'; 'utils' is not a package",
        ),
        counterexamples=(
            "  File \"/opt/v/lib/python3.11/site-packages/torch/__init__.py\", line 190, in <module>\n    from torch._C import *\nModuleNotFoundError: No module named 'torch._C'",
            "  File \"/home/ole/main.py\", line 3, in <module>\nAttributeError: 'Net' object has no attribute 'fc'",
        ),
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
            Sign(r"cannot load module more than once per process", FAIR),
        ),
        refines=("conda-pip-torch-mix",),
        fixes=(
            Fix(
                "Restart the kernel (the Python process) and import torch once; the first error of the fresh process is the real one.",
                risk="restart",
            ),
            Fix("Do not reload torch (importlib.reload, deleting it from sys.modules), and do not load two versions of one extension."),
        ),
        examples=(
            "RuntimeError: function '_has_torch_function' already has a docstring",
            "ImportError: cannot load module more than once per process",
        ),
        counterexamples=("function 'foo' already has a docstring in the config",),
    ),
)
