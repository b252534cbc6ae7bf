"""The wrong torch is installed, or a damaged one, or it is not where the running interpreter looks."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="torch-not-installed-wrong-interpreter",
        title="The Python that runs has no torch: it is installed for another interpreter or environment, or not at all",
        why="Python looks for torch only in the environment of the interpreter that runs the script. pip may belong to another one "
        "(system Python, another venv or conda environment, another notebook kernel), so 'pip show torch' can succeed while import "
        "fails.",
        signs=(
            Sign(r"No module named '?torch'?(?![\w.'])"),
            Sign(r"ModuleNotFoundError: No module named 'torch'"),
            Sign(r"ImportError: No module named torch(?![\w.])"),
            Sign(r"requires the PyTorch library but it was not found in your environment", FAIR),
            Sign(r"None of PyTorch, TensorFlow >= [\d.]+, or Flax have been found", FAIR),
            Sign(r"At least one of TensorFlow [\d.]+ or PyTorch should be installed", FAIR),
            Sign(r"(?:PyTorch|'torch'|\btorch) is not installed(?! with| for| in a)", FAIR),
            Sign(r"requires PyTorch,? but it (?:was|is) not (?:found|installed)", FAIR),
            Sign(r"Package\(s\) not found: torch(?![\w-])", FAIR),
            Sign(r"Import .?torch.? could not be resolved", FAIR),
            Sign(r"Unable to import '?torch'?(?![\w.])", FAIR, unless=(r"pre-compile",)),
            Sign(r"The 'torch\S{0,30}' distribution was not found", FAIR),
            Sign(r"[Pp]lease install (?:PyTorch|torch) first", FAIR),
            Sign(r"Python module torch was not found"),
        ),
        unless=(
            r"pip-build-env",
            r"get_requires_for_build",
            r"build_meta\.py",
            r"subprocess-exited-with-error",
            r"build-isolation",
            r"Failed to build",
            r"builds-v\d",
            r"errored out with exit status",
            r"[/\\]pip-install",
            r"'torch' is not a package",
            r"setup\.py (?:egg_info|bdist_wheel|install|develop)",
            r"Disabling PyTorch because PyTorch",
        ),
        fixes=(
            Fix(
                "Install torch with the same interpreter that runs the script: python -m pip, not a bare pip.",
                ('python -c "import sys; print(sys.executable)"', "python -m pip install torch"),
            ),
            Fix(
                "Or activate (select) the environment that has torch before running: conda activate, source venv/bin/activate, the "
                "notebook's kernel, the IDE's interpreter.",
                ("python -m pip show torch", "which -a python pip"),
            ),
        ),
        decide='python -c "import sys; print(sys.executable)"; python -m pip show torch',
        examples=(
            '$ pip show torch\nName: torch\nVersion: 2.4.1\n$ python eval.py\nTraceback (most recent call last):\n  File "eval.py", line '
            "3, in "
            "<module>\n    import torch\nModuleNotFoundError: No module named 'torch'",
            "ImportError: PyTorch is not installed. Please install PyTorch first: https://pytorch.org/get-started/locally/",
            'Import "torch" could not be resolved Pylance(reportMissingImports)',
        ),
        counterexamples=(
            '  File "/tmp/pip-build-env-x1/overlay/lib/python3.10/site-packages/setuptools/build_meta.py", line 480\n'
            "ModuleNotFoundError: No module named 'torch'",
            "ModuleNotFoundError: No module named 'torchmetrics'",
            "INFO: TensorRT is not installed, the torch backend is used",
        ),
    ),
    Cause(
        slug="torch-install-broken",
        title="Files of the torch installation are missing or damaged",
        why="An install was interrupted (disk full, network, two pip runs at once) or two versions were written over each other, so that "
        "a part of torch's own files is absent or cut off. Importing torch therefore fails inside torch itself.",
        signs=(
            Sign(
                r"No module named '?torch\.(?:_strobelight|_vendor|_higher_order_ops|_meta_registrations|_linalg_utils|_lowrank|_VF|_logging|_library|_custom_ops|_compile|_ops|_sources|_guards|_decomp|_weights_only_unpickler|_streambase|_lobpcg|_storage_docs|_torch_docs|_classes|_environment)'?(?![\w.])",
                FAIR,
            ),
            Sign(r"source code string cannot contain null bytes", FAIR, also=(r"site-packages[/\\]torch[/\\]",)),
            Sign(r"torch_shm_manager.{0,20}Permission denied"),
            Sign(r"Unable to compare versions for torch\b.{0,60}found=None"),
            Sign(r"torch/lib/lib(?P<library>[\w-]+)\.so[\d.]*: (?:file too short|invalid ELF header)"),
            Sign(r"torch/lib/lib(?P<library>torch\w*|c10\w*|shm)\.so: cannot open shared object file"),
            Sign(r"libtorch_global_deps\.so: cannot open shared object file"),
            Sign(r"No module named '?torch\._(?:C|utils|six_moves|tensor|jit_internal|namedtensor_internals)'?", FAIR),
            Sign(r"No module named '?torch\.(?:version|nn|cuda|autograd|storage|random|serialization|types)'?", FAIR),
            Sign(r"NameError: name '_C' is not defined", FAIR, also=(r"torch",)),
            Sign(
                r"(?<!\w)module 'torch' has no attribute '(?P<name>__version__|Tensor|tensor|device|cuda|nn|float32|no_grad|from_numpy|"
                r"manual_seed)'",
                FAIR,
            ),
            Sign(r"cannot import name '\w+' from 'torch' \(unknown location\)"),
            Sign(r"Ignoring invalid distribution [-~]?(?:orch|torch|~orch)", FAIR),
            Sign(r"No package metadata was found for torch\b", FAIR),
            Sign(r"torch[/\\]lib[/\\]libshm.{0,40}(?:torch_shm_manager).{0,60}(?:No such file|not found|unable to)", FAIR),
            Sign(r"Unable to find torch_shm_manager"),
            Sign(r"error executing torch_shm_manager", FAIR),
            Sign(r"libshm\.so: cannot open shared object file"),
            Sign(r"lib(?:shm|TH|THC|THS|ATen|torch_global_deps)\.so\S{0,4} => not found"),
            Sign(r"lib(?:torch\w*|c10\w*|caffe2\w*)\.so: cannot open shared object file", FAIR, also=(r"torch/__init__\.py",)),
            Sign(r"libtorch\w*\.so: ELF load command past end of file"),
            Sign(r"torch/lib/\.\./\.\./nvidia/\S{1,100}: (?:file too short|invalid ELF header)"),
            Sign(
                r"No module named '?torch\.(?:torch_version|_utils_internal|types|_tensor_str|functional|_tensor_docs|serialization|multiprocessing|optim|jit|utils)'?(?![\w.])",
                FAIR,
            ),
            Sign(
                r"(?<!\w)module 'torch' has no attribute '(?P<name>save|load|optim|utils|float|float16|float64|long|int64|zeros|ones|randn|cat|stack|Size|FloatTensor|LongTensor|_C|jit|is_tensor|get_default_dtype|set_default_dtype|set_grad_enabled|backends|hub|autograd|version)'",
                FAIR,
            ),
            Sign(r"torch-\d\S{0,40}\.dist-info[/\\]METADATA", FAIR, also=(r"No such file or directory",)),
            Sign(
                r"Cannot uninstall '?torch\w*'? ?[\w.+]{0,24},? ?(?:RECORD file not found|no RECORD file was found|.{0,10}distutils installed project)"
            ),
            Sign(r"torch\.__spec__ is None"),
        ),
        unless=(
            r"partially initialized module",
            r"'torch' is not a package",
            r"consider renaming",
            r"loaded the `torch/_C` folder",
            r"incompatible architecture",
        ),
        fixes=(
            Fix(
                "Uninstall torch completely (repeat until nothing is left, delete stray ~orch folders) and reinstall it in a clean "
                "environment without pip's cache.",
                ("pip uninstall -y torch torchvision torchaudio", "pip install --no-cache-dir torch torchvision torchaudio"),
            ),
            Fix(
                "Make sure that the disk has room and that no file or folder named torch lies beside the script.",
                ("df -h", 'python -c "import torch; print(torch.__file__)"'),
            ),
        ),
        decide='python -c "import torch; print(torch.__file__, torch.__version__)"',
        examples=(
            "ValueError: Unable to compare versions for torch>=1.11: need=1.11 found=None. This is unusual. Consider reinstalling torch.",
            "ModuleNotFoundError: No module named 'torch._strobelight'",
            '  File "/opt/v/lib/python3.10/site-packages/torch/_meta_registrations.py", line 1\nSyntaxError: source code string cannot contain null bytes',
            "RuntimeError: /opt/v/lib/python3.10/site-packages/torch/bin/torch_shm_manager: Permission denied",
            "    ctypes.CDLL(global_deps_lib_path, mode=ctypes.RTLD_GLOBAL)\nOSError: "
            "/opt/venv/lib/python3.11/site-packages/torch/lib/libtorch_global_deps.so: cannot open shared object file: No such file or "
            "directory",
            "ImportError: /opt/venv/lib/python3.11/site-packages/torch/lib/libtorch_cuda.so: file too short",
            "AttributeError: module 'torch' has no attribute '__version__'",
            "    from torch._C import *\nImportError: libshm.so: cannot open shared object file: No such file or directory",
            "\tlibshm.so => not found\n\tlibTH.so.1 => /opt/v/lib/python3.6/site-packages/torch/lib/libTH.so.1 (0x00007f00)",
            "ERROR: Cannot uninstall torch 2.1.0, RECORD file not found. You might be able to recover from this via: 'pip install --force-reinstall --no-deps torch==2.1.0'.",
            "AttributeError: module 'torch' has no attribute 'save'",
        ),
        counterexamples=("AttributeError: module 'torch' has no attribute 'compiler'",),
    ),
    Cause(
        slug="conda-pip-torch-mix",
        title="Two torch copies are mixed in one environment: Python files of one, compiled library of the other",
        why="torch's Python files and its compiled torch._C must be of one version. Here a second install (pip over conda, a cloned or "
        "upgraded environment, another libtorch on LD_LIBRARY_PATH) left parts of another version behind.",
        signs=(
            Sign(r"module '?torch\._C'? has no attribute '(?P<name>\w+)'"),
            Sign(r"cannot import name '?(?P<name>\w+)'? from '?torch\._C'?"),
            Sign(r"module 'torch\._C\.\w+' has no attribute", FAIR),
            Sign(r"torch/lib/libtorch_python\.so: undefined symbol: (?P<symbol>\w+)"),
            Sign(r"torch/_C[\w.-]*\.so: undefined symbol: (?P<symbol>\w+)"),
            Sign(r"torch/lib/lib(?!torchaudio)\w+\.so[.\d]*: undefined symbol: (?!nccl|iJIT|cu|__nv)(?P<symbol>\w+)", FAIR),
            Sign(r"'module' object has no attribute '(?P<name>_\w{3,60})'", FAIR, also=(r"torch[/\\]|\b_C\.",)),
            Sign(r"type object 'torch\._C\.\w+' has no attribute"),
            Sign(r"torch/lib/lib\w+\.dylib.{0,30}Symbol not found"),
            Sign(r"[/\\]libtorch_python\.so: undefined symbol: (?P<symbol>\w+)"),
        ),
        unless=(r"iJIT_NotifyEvent", r"partially initialized module", r"nvJitLink", r"symbol: nccl"),
        explains=("torch-install-broken",),
        refines=("cpp-extension-abi-mismatch",),
        fixes=(
            Fix(
                "Uninstall every torch in this environment, with pip and with conda, until none is found; then reinstall one version.",
                (
                    "conda remove --force pytorch torchvision torchaudio pytorch-cuda libtorch",
                    "pip uninstall -y torch torchvision torchaudio",
                    "pip uninstall -y torch",
                    "pip install torch torchvision torchaudio",
                ),
            ),
            Fix(
                "Or start from a fresh, clean environment and install torch once, either with conda or with pip; check that "
                "LD_LIBRARY_PATH and PYTHONPATH name no other torch.",
                ("python -m venv fresh", "fresh/bin/pip install torch", "unset LD_LIBRARY_PATH PYTHONPATH"),
            ),
        ),
        decide='pip list | grep -i torch; conda list | grep -i torch; python -c "import torch" -v 2>&1 | grep torch/_C',
        examples=(
            "AttributeError: module 'torch._C' has no attribute '_cuda_setDevice_v2'",
            "ImportError: /srv/env/lib/python3.9/site-packages/torch/lib/libtorch_python.so: undefined symbol: "
            "_ZN5torch3jit17parseSchemaOrNameERKSsb",
            "/opt/py/lib/python2.7/site-packages/torch/__init__.py in <module>\n--> 339 _C._init_names(list(torch._tensor_classes) + list(torch._storage_classes))\nAttributeError: 'module' object has no attribute '_init_names'",
        ),
        counterexamples=(
            "AttributeError: module 'config' has no attribute 'C'",
            "AttributeError: 'module' object has no attribute '_private_helper'",
        ),
    ),
    Cause(
        slug="torch-downgraded-by-dependency",
        title="Installing another package replaced torch by another version or build",
        why="pip resolves each command on its own: a package that pins or wants another torch replaces the one that was there, often a "
        "CUDA build by PyPI's default, while torchvision, torchaudio and xformers stay behind for the old one.",
        signs=(
            Sign(
                r"Successfully uninstalled torch-(?P<was>\d[\w.+]*)",
                FAIR,
                also=(
                    r"Successfully installed .{0,1500}\btorch-\d",
                    r"(?:Error: |incompatible\.|is not available|is_available\(\)\)? ?False)",
                ),
                unless=(r"pip3? install (?:-\S+ ){0,4}torch\b",),
            ),
            Sign(
                r"PyTorch \d[\w.+]* with CUDA \d+ \(you have (?P<now>\d[\w.+]*)\)",
                also=(r"Couldn't load custom C\+\+ ops",),
            ),
            Sign(
                r"PyTorch \d[\w.+]* with CUDA \d+ \(you have (?P<now>\d[\w.+]*)\)",
                also=(r"operator torchvision::nms does not exist",),
            ),
            Sign(
                r"Successfully uninstalled torch-(?P<was>\d[\w.]*\+cu\d+).{0,2000}Successfully installed .{0,1500}\btorch-(?P<now>\d[\d.]*\d)(?: |$)",
                FAIR,
                unless=(r"pip3? install (?:-\S+ ){0,4}torch\b",),
            ),
        ),
        unless=(r"\(you have [\d.]+\+cpu\)",),
        explains=("torchvision-version-mismatch", "xformers-mismatch", "pip-torch-pin-conflict", "torchaudio-version-mismatch"),
        fixes=(
            Fix(
                "Reinstall the intended torch, torchvision and torchaudio (and xformers) last, together in one command and in versions "
                "that match, from one index.",
                ("pip install torch torchvision torchaudio xformers --index-url https://download.pytorch.org/whl/cu128", "pip check"),
            ),
            Fix(
                "Keep it from happening again: install the other package with --no-deps or with a constraints file that pins torch.",
                ("pip freeze | grep -i ^torch > constraints.txt", "pip install -c constraints.txt PACKAGE"),
            ),
        ),
        decide="pip list | grep -i -e torch -e xformers",
        examples=(
            "  Attempting uninstall: torch\n    Found existing installation: torch 2.4.0+cu124\n    Uninstalling torch-2.4.0+cu124:\n    "
            "  Successfully uninstalled torch-2.4.0+cu124\nSuccessfully installed demo-0.3 torch-2.1.2 triton-2.1.0\n>>> "
            "torch.ops.demo.run\nRuntimeError: the extension was built for torch 2.4",
            "  Attempting uninstall: torch\n    Found existing installation: torch 2.5.1+cu124\n    Uninstalling torch-2.5.1+cu124:\n      Successfully uninstalled torch-2.5.1+cu124\nSuccessfully installed torch-2.3.0 oldlib-1.2",
        ),
        counterexamples=("Successfully installed torch-2.4.0 torchvision-0.19.0",),
    ),
)
