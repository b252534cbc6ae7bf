"""Packages around torch whose version moved on: NumPy's aliases, setuptools, the Hub client, Lightning, OpenCV."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="numpy-alias-removed",
        title="The code uses np.{name|bool}, an alias that NumPy 1.24 removed",
        why="np.bool, np.int, np.float, np.object and others were only other names of Python's own types. They were deprecated in NumPy "
        "1.20 and are gone since 1.24.",
        signs=(
            ends_in("numpy/__init__.py", "__getattr__", code=r"__former_attrs__"),
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
            '  File "/opt/v/lib/python3.10/site-packages/numpy/__init__.py", line 324, in __getattr__\n    raise AttributeError(__former_attrs__[attr])',
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
            Sign(r"module 'setuptools\._distutils' has no attribute 'version'"),
            Sign(r"No module named '(?P<module>pkg_resources\.[\w.]{2,40})'"),
            Sign(r"cannot import name '\w+' from 'pkg_resources", FAIR),
            ends_in("torch/utils/tensorboard/__init__.py", "<module>", code=r"distutils\.version"),
            Sign(r"module 'distutils' has no attribute 'version'"),
            Sign(r"cannot import name 'packaging' from 'pkg_resources'"),
            Sign(r"module 'pkgutil' has no attribute 'ImpImporter'"),
            Sign(r"cannot import name 'msvccompiler' from 'distutils'"),
            Sign(r"No module named 'setuptools\.(?:_distutils\.msvccompiler|command\.test)'"),
            Sign(r"No module named '(?P<module>pkg_resources|distutils)'"),
            Sign(r"AttributeError: install_layout"),
            Sign(r"module 'pkg_resources' has no attribute"),
            Sign(r"canonicalize_version\(\) got an unexpected keyword argument 'strip_trailing_zero'"),
            Sign(r"VersionConflict: \(setuptools "),
            Sign(r"No module named '(?P<module>distutils\.\w+)'"),
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
            "AttributeError: module 'setuptools._distutils' has no attribute 'version'",
            "ModuleNotFoundError: No module named 'pkg_resources.extern'",
            '  File "/opt/v/lib/python3.8/site-packages/torch/utils/tensorboard/__init__.py", line 4, in <module>\n    LooseVersion = distutils.version.LooseVersion',
            "ImportError: cannot import name 'packaging' from 'pkg_resources' "
            "(/opt/v/lib/python3.10/site-packages/pkg_resources/__init__.py)",
            "TypeError: canonicalize_version() got an unexpected keyword argument 'strip_trailing_zero'",
            "AttributeError: install_layout. Did you mean: 'install_platlib'?",
            "ModuleNotFoundError: No module named 'distutils.msvccompiler'",
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
            Sign(
                r"(?P<library>libGLESv2\.so\.2|libxcb(?:-\w+)?\.so\.\d|libX11\.so\.6|libICE\.so\.6|libEGL\.so\.1|libGLX?\.so\.0|libOpenGL\.so\.0): cannot open shared object"
            ),
            Sign(r"Could not load the Qt platform plugin .{0,3}xcb.{0,4}in .{0,200}cv2", FAIR),
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
        examples=(
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "ImportError: libxcb.so.1: cannot open shared object file: No such file or directory",
        ),
        counterexamples=("libGL.so.1 => /lib/x86_64-linux-gnu/libGL.so.1",),
    ),
    Cause(
        slug="huggingface-hub-mismatch",
        title="The installed huggingface_hub is too new or too old for the library that imports {name|a name} from it",
        why="transformers, diffusers and datasets follow the Hub client closely: cached_download and HfFolder were removed from it, "
        "other names came only in later versions.",
        signs=(
            Sign(
                r"(?:hf_hub_download|cached_download|snapshot_download|hf_hub_url|upload_file|create_repo)\(\) got an unexpected keyword argument '(?P<name>\w+)'",
                FAIR,
            ),
            Sign(r"'HfApi' object has no attribute '(?P<name>\w+)'", FAIR),
            Sign(r"cannot import name '(?P<name>\w+)' from '?huggingface_hub[\w.]*'?"),
            Sign(r"module 'huggingface_hub(?:\.\w+)?' has no attribute '(?P<name>\w+)'"),
            Sign(
                r"huggingface[-_]hub(?P<wanted>[<>=!][\w.,<>=!]{1,60}) is required for a normal functioning of this module, but found", FAIR
            ),
            Sign(r"No module named '(?P<name>huggingface_hub\.[\w.]{1,60})'"),
            Sign(r"requires huggingface[-_]hub(?P<wanted>[<>=!~][\w.,<>=!~]{1,60}),? but you have huggingface[-_]hub", FAIR),
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
        refines=(
            "library-argument-renamed",
            "module-not-installed",
        ),
        examples=(
            "TypeError: hf_hub_download() got an unexpected keyword argument 'use_auth_token'",
            "AttributeError: 'HfApi' object has no attribute 'move_repo'",
            "ImportError: cannot import name 'cached_download' from 'huggingface_hub' "
            "(/opt/v/lib/python3.10/site-packages/huggingface_hub/__init__.py)",
            "ModuleNotFoundError: No module named 'huggingface_hub.inference._text_generation'",
            "transformers 4.57.0 requires huggingface-hub<1.0,>=0.34.0, but you have huggingface-hub 1.0.1 which is incompatible.",
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
                r"__init__\(\) got an unexpected keyword argument '(?P<name>progress_bar_refresh_rate|replace_sampler_ddp|weights_summary|truncated_bptt_steps|flush_logs_every_n_steps|reload_dataloaders_every_epoch)'",
                FAIR,
            ),
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
            Sign(
                r"Trainer\.__init__\(\) got an unexpected keyword argument '(?P<name>checkpoint_callback|weights_summary|flush_logs_every_n_steps|progress_bar_callback|distributed_backend|truncated_bptt_steps|num_processes|ipus|weights_save_path|stochastic_weight_avg|terminate_on_nan|track_grad_norm|multiple_trainloader_mode|log_gpu_memory|reload_dataloaders_every_epoch|move_metrics_to_cpu|process_position|amp_level|auto_lr_find)'"
            ),
            Sign(
                r"__init__\(\) got an unexpected keyword argument '(?P<name>checkpoint_callback|weights_summary|flush_logs_every_n_steps|progress_bar_callback|distributed_backend|truncated_bptt_steps|num_processes|ipus|weights_save_path|stochastic_weight_avg|terminate_on_nan|track_grad_norm|multiple_trainloader_mode|log_gpu_memory|reload_dataloaders_every_epoch|move_metrics_to_cpu|process_position|amp_level|auto_lr_find|gpus|tpu_cores|auto_select_gpus|progress_bar_refresh_rate|replace_sampler_ddp)'",
                FAIR,
                also=(r"(?:pytorch_lightning|lightning[/\\.]|\bpl\.Trainer|Trainer\()",),
            ),
            Sign(r"Support for `(?P<name>\w+)` has been removed in v2"),
            Sign(r"No module named '(?P<name>pytorch_lightning\.[\w.]{1,80})'", FAIR),
            Sign(
                r"'Trainer' object has no attribute '(?P<name>training_type_plugin|accelerator_connector|data_parallel|root_gpu|gpus|tpu_cores|lr_schedulers)'",
                FAIR,
            ),
            Sign(r"type object 'Trainer' has no attribute '(?P<name>from_argparse_args|add_argparse_args)'"),
            Sign(r"cannot import name '(?P<name>\w+)' from '(?:lightning_fabric|lightning_utilities|torchmetrics)[\w.]*'", FAIR),
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
            "TypeError: __init__() got an unexpected keyword argument 'progress_bar_refresh_rate'",
            "    from pytorch_lightning.utilities.distributed import rank_zero_only\nModuleNotFoundError: No module named "
            "'pytorch_lightning.utilities.distributed'",
            "NotImplementedError: Support for `training_epoch_end` has been removed in v2.0.0. `Net` implements this method. You can use the `on_train_epoch_end` hook instead.",
            "ModuleNotFoundError: No module named 'pytorch_lightning.loggers.base'",
            "AttributeError: type object 'Trainer' has no attribute 'add_argparse_args'",
            "TypeError: Trainer.__init__() got an unexpected keyword argument 'checkpoint_callback'",
        ),
        counterexamples=("pytorch_lightning 2.4 Trainer(accelerator='gpu', devices=2)",),
    ),
    Cause(
        slug="pillow-name-removed",
        title="The code (or an old torchvision) uses {name|a name} of Pillow that newer Pillow has removed",
        why="Pillow 7 removed PILLOW_VERSION, which torchvision before 0.5 imports; Pillow 10 removed Image.ANTIALIAS, getsize and "
        "textsize, which older projects still use.",
        signs=(
            Sign(r"cannot import name '(?P<name>PILLOW_VERSION)' from 'PIL"),
            Sign(r"module 'PIL\.Image' has no attribute '(?P<name>ANTIALIAS|LINEAR|CUBIC|Resampling)'"),
            Sign(r"'FreeTypeFont' object has no attribute '(?P<name>getsize|getoffset)'"),
            Sign(r"'ImageDraw' object has no attribute '(?P<name>textsize|multiline_textsize)'"),
            Sign(r"cannot import name '(?P<name>is_directory)' from 'PIL\._util'"),
        ),
        fixes=(
            Fix(
                "Upgrade the package that uses the name (torchvision, the project, the web UI) to a version for this Pillow.",
                ("python -m pip install -U torchvision",),
            ),
            Fix(
                "Or pin Pillow: below 7 for PILLOW_VERSION, below 10 for ANTIALIAS, getsize and textsize.",
                ('python -m pip install "pillow<10"',),
            ),
            Fix("Or replace the name in the code.", code="image = image.resize(size, Image.LANCZOS)  # was: Image.ANTIALIAS"),
        ),
        examples=(
            "ImportError: cannot import name 'PILLOW_VERSION' from 'PIL' (/opt/v/lib/python3.7/site-packages/PIL/__init__.py)",
            "AttributeError: module 'PIL.Image' has no attribute 'ANTIALIAS'",
        ),
        counterexamples=("Pillow 11.1 loaded 300 images",),
    ),
)
