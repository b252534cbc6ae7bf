"""Packages around torch whose version moved on: NumPy's aliases, setuptools, the Hub client, Lightning, OpenCV."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="numpy-alias-removed",
        title="The code uses np.{name|bool}, an alias that NumPy 1.24 removed",
        why="np.bool, np.int, np.float, np.object and others were only other names of Python's own types. They were deprecated in NumPy "
        "1.20 and are gone since 1.24.",
        signs=(
            Sign(r"module 'numpy' has no attribute '(?P<name>bool|int|float|object|complex|str|long|typeDict)'"),
            Sign(
                r"`np\.(?P<name>bool|int|float|object|complex|str)` was a deprecated alias for the builtin", FAIR, also=(r"AttributeError",)
            ),
        ),
        fixes=(
            Fix(
                "Upgrade the package in which the last frame lies, or replace np.{name|bool} by the builtin {name|bool} in your own code.",
                code="mask = mask.astype(bool)  # was: np.bool",
            ),
            Fix("Or install an older NumPy (below 1.24).", ('python -m pip install "numpy<1.24"',)),
        ),
        examples=(
            "AttributeError: module 'numpy' has no attribute 'object'.\n`np.object` was a deprecated alias for the builtin `object`.",
        ),
        counterexamples=("AttributeError: module 'numpy' has no attribute 'bolo'",),
    ),
    Cause(
        slug="setuptools-mismatch",
        title="The installed setuptools does not fit this Python or this torch",
        why="torch's tensorboard and extension helpers, and old build scripts, use parts of setuptools, distutils and pkg_resources that "
        "newer setuptools or Python 3.12 have removed.",
        signs=(
            Sign(r"module 'distutils' has no attribute 'version'"),
            Sign(r"cannot import name 'packaging' from 'pkg_resources'"),
            Sign(r"module 'pkgutil' has no attribute 'ImpImporter'"),
            Sign(r"cannot import name 'msvccompiler' from 'distutils'"),
            Sign(r"No module named 'setuptools\.(?:_distutils\.msvccompiler|command\.test)'"),
            Sign(r"No module named '(?P<module>pkg_resources|distutils)'"),
        ),
        refines=("module-not-installed",),
        explains=("pip-build-failed",),
        fixes=(
            Fix(
                "Install a setuptools that fits: below 70 for torch before 2.3 (59.5.0 for torch before 1.11), 66 or newer for Python "
                "3.12; below 81 where pkg_resources is imported.",
                ('python -m pip install "setuptools<70"', "python -m pip install -U setuptools wheel"),
            ),
            Fix("Or upgrade torch, which no longer needs these parts.", ("python -m pip install -U torch torchvision",)),
        ),
        examples=(
            "ImportError: cannot import name 'packaging' from 'pkg_resources' "
            "(/opt/v/lib/python3.10/site-packages/pkg_resources/__init__.py)",
        ),
        counterexamples=("AttributeError: module 'mypkg' has no attribute 'version'",),
    ),
    Cause(
        slug="opencv-libgl-missing",
        title="OpenCV's graphics library {library|libGL.so.1} is missing in this system or container",
        why="opencv-python is built with a graphical user interface and needs libGL and GLib, which slim images and servers do not have.",
        signs=(
            Sign(
                r"(?P<library>libGL\.so\.1|libgthread-2\.0\.so\.0|libSM\.so\.6|libXrender\.so\.1|libXext\.so\.6|libglib-2\.0\.so\.0): "
                r"cannot open shared object"
            ),
        ),
        fixes=(
            Fix(
                "Use the build without user interface: opencv-python-headless.",
                ("python -m pip uninstall -y opencv-python", "python -m pip install opencv-python-headless"),
            ),
            Fix(
                "Or install the libraries.",
                ("sudo apt-get install -y libgl1 libglib2.0-0",),
            ),
        ),
        examples=("ImportError: libGL.so.1: cannot open shared object file: No such file or directory",),
        counterexamples=("libGL.so.1 => /lib/x86_64-linux-gnu/libGL.so.1",),
    ),
    Cause(
        slug="huggingface-hub-mismatch",
        title="The installed huggingface_hub is too new or too old for the library that imports {name|a name} from it",
        why="transformers, diffusers and datasets follow the Hub client closely: cached_download and HfFolder were removed from it, "
        "other names came only in later versions.",
        signs=(
            Sign(r"cannot import name '(?P<name>\w+)' from '?huggingface_hub[\w.]*'?"),
            Sign(r"module 'huggingface_hub(?:\.\w+)?' has no attribute '(?P<name>\w+)'"),
            Sign(
                r"huggingface[-_]hub(?P<wanted>[<>=!][\w.,<>=!]{1,60}) is required for a normal functioning of this module, but found", FAIR
            ),
        ),
        unless=(r"partially initialized module",),
        fixes=(
            Fix(
                "Upgrade the library that imports it (diffusers, transformers, datasets, accelerate) together with huggingface_hub.",
                ("python -m pip install -U huggingface_hub transformers diffusers datasets accelerate",),
            ),
            Fix(
                "Or keep the library and pin huggingface_hub: below 0.26 for cached_download, below 1.0 for HfFolder.",
                ('python -m pip install "huggingface_hub<0.26"',),
            ),
        ),
        decide="python -m pip list | grep -i -e hub -e transformers -e diffusers",
        examples=(
            "ImportError: cannot import name 'cached_download' from 'huggingface_hub' "
            "(/opt/v/lib/python3.10/site-packages/huggingface_hub/__init__.py)",
        ),
        counterexamples=("from huggingface_hub import snapshot_download",),
    ),
    Cause(
        slug="lightning-version-mismatch",
        title="The code was written for another version of PyTorch Lightning than the one installed",
        why="Lightning 2.0 moved and removed many names (utilities.distributed, strategies, Trainer arguments such as gpus). The program "
        "imports one of them.",
        signs=(
            Sign(
                r"No module named '(?P<name>pytorch_lightning\.(?:utilities\.(?:distributed|cloud_io|apply_func)|metrics|"
                r"plugins\.training_type|callbacks\.base|logging)[\w.]*)'"
            ),
            Sign(r"cannot import name '(?P<name>\w+)' from '(?:pytorch_lightning|lightning(?:\.pytorch)?)\.[\w.]*'"),
            Sign(
                r"Trainer\.__init__\(\) got an unexpected keyword argument '(?P<name>gpus|tpu_cores|auto_select_gpus|"
                r"resume_from_checkpoint|progress_bar_refresh_rate|amp_backend|replace_sampler_ddp|auto_scale_batch_size)'"
            ),
            Sign(r"module 'pytorch_lightning' has no attribute '(?P<name>\w+)'"),
        ),
        refines=("module-not-installed", "library-argument-renamed"),
        fixes=(
            Fix(
                "Install the Lightning version that the code was written for (below 2.0 for {name|this name}), in a version that "
                "supports the installed torch.",
                ('python -m pip install "pytorch-lightning<2"',),
            ),
            Fix(
                "Or adapt the code: rank_zero_only lives in pytorch_lightning.utilities.rank_zero, gpus=N became accelerator='gpu', "
                "devices=N.",
                code='trainer = Trainer(accelerator="gpu", devices=2)',
            ),
        ),
        examples=(
            "    from pytorch_lightning.utilities.distributed import rank_zero_only\nModuleNotFoundError: No module named "
            "'pytorch_lightning.utilities.distributed'",
        ),
        counterexamples=("pytorch_lightning 2.4 Trainer(accelerator='gpu', devices=2)",),
    ),
)
