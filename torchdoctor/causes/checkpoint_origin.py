"""Checkpoint files of another place: another device, another torch version, classes of another program."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="storage-location-unknown",
        title="torch.load does not know how to restore a tensor saved on the device '{tag|of the file}'",
        why="A checkpoint stores for each tensor the device tag it was saved from. This torch has no backend of that name (mps on an "
        "old torch, DirectML's privateuseone, npu without its plug-in, 'gpu').",
        signs=(
            Sign(r"don't know how to restore data location of \S+ \(tagged with (?P<tag>[\w:]+)\)"),
            Sign(r"don't know how to (?:restore|determine) data location of"),
        ),
        fixes=(
            Fix(
                "Load to the CPU and move afterwards: torch.load(path, map_location='cpu'), then model.to(device). map_location must "
                "be a device that this torch knows.",
                code='state = torch.load(path, map_location="cpu")',
            ),
            Fix("For mps tags on an old version: upgrade torch.", commands=("pip install -U torch",)),
        ),
        patch="map-location",
        examples=(
            "    wrap_storage=restore_location(obj, location),\nRuntimeError: don't know how to restore data location of "
            "torch.FloatStorage (tagged with mps)",
        ),
        counterexamples=("RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.",),
    ),
    Cause(
        slug="checkpoint-saved-on-cuda",
        title="The checkpoint holds tensors of a GPU that does not exist here",
        why="torch.load puts every tensor back on the device that it was saved from. On a machine without CUDA, or with fewer GPUs, "
        "that device is missing.",
        signs=(
            Sign(r"Attempting to deserialize object on (?:a )?(?:CUDA|MPS|XPU|HPU) device"),
            Sign(r"Attempting to deserialize object on CUDA device (?P<device>\d+) but torch\.cuda\.device_count\(\) is (?P<gpus>\d+)"),
            Sign(r"torch\.load with map_location(?:=torch\.device\('cpu'\))? to map your storages", FAIR),
            Sign(r"torch\.cuda\.is_available\(\).{1,8}False.{1,200}map_location", FAIR, also=(r"Error",)),
            ends_in("torch/serialization.py", "_cuda_deserialize|validate_cuda_device|_validate_device|_deserialize"),
            Sign(r"invalid device ordinal", also=(r"default_restore_location|_cuda_deserialize|validate_cuda_device",), near=1500),
            Sign(r"invalid device ordinal at torch/csrc/cuda/Module\.cpp:32", FAIR, also=(r"torch\.load\(",)),
            Sign(
                r"no CUDA-capable device is detected", also=(r"default_restore_location|_cuda_deserialize|validate_cuda_device",), near=1500
            ),
            Sign(r"Torch not compiled with CUDA enabled", also=(r"default_restore_location|_cuda_deserialize",), near=1500),
        ),
        fixes=(
            Fix(
                "Tell torch.load where to put the tensors: torch.load(path, map_location='cpu') (or map_location=device), then "
                "model.to(device).",
                code='state = torch.load(path, map_location=torch.device("cpu"))',
            ),
            Fix(
                "If this machine should have a GPU: torch does not see it; check the build and the driver.",
                commands=('python -c "import torch; print(torch.version.cuda, torch.cuda.is_available())"',),
            ),
        ),
        refines=("cuda-hardcoded", "torch-cpu-only-build", "invalid-device-ordinal", "cuda-unavailable-no-driver", "cuda-no-device-error"),
        patch="map-location",
        examples=(
            '    net = torch.load("runs/last.pt")\nRuntimeError: Attempting to deserialize object on a CUDA device but '
            "torch.cuda.is_available() is False. "
            "If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU.",
            "RuntimeError: Attempting to deserialize object on CUDA device 3 but torch.cuda.device_count() is 1. Please use torch.load "
            "with map_location to map your storages to an existing device.",
        ),
        counterexamples=("torch.load(path, map_location='cpu')",),
    ),
    Cause(
        slug="checkpoint-newer-torch",
        title="The checkpoint was written by a newer torch in a format that this one cannot read",
        why="torch 1.6 introduced the zip format and later versions raised its number; an older torch takes such a file for something "
        "else.",
        signs=(
            Sign(r"is a zip archive \(did you mean to use torch\.jit\.load\(\)\?\)"),
            Sign(r"Attempted to read a PyTorch file with version \d+, but the maximum supported version for reading is \d+"),
            Sign(r"kMaxSupportedFileFormatVersion.{0,40}INTERNAL ASSERT FAILED"),
            Sign(r"Can't get attribute '_rebuild_\w+' on <module 'torch\._utils'"),
        ),
        fixes=(
            Fix("Upgrade torch to at least the version that saved the file.", commands=("pip install -U torch",)),
            Fix("Or save it again with the new torch in the old format: torch.save(state, path, _use_new_zipfile_serialization=False)."),
        ),
        refines=("corrupt-checkpoint", "checkpoint-needs-source-code"),
        examples=(
            "RuntimeError: weights/best.pth is a zip archive (did you mean to use torch.jit.load()?)",
            "    result = unpickler.load()\nAttributeError: Can't get attribute '_rebuild_parameter_v2' on <module 'torch._utils'",
        ),
        counterexamples=("RuntimeError: PytorchStreamReader failed reading zip archive: not a ZIP archive",),
    ),
    Cause(
        slug="checkpoint-needs-source-code",
        title="The checkpoint is a pickled object whose class ({name|of the original program}) cannot be imported here",
        why="torch.save(model) stores only the path of the class. To load it, Python must import the module under the same name as in "
        "the program that saved it.",
        signs=(
            Sign(
                r"No module named '?(?P<name>(?!numpy|torch\b)[A-Za-z_][\w.]{0,100})\b'?",
                also=(r"(?:pickle_module|unpickler|_unpickler|Unpickler)\.load\(|find_class\(",),
                near=1200,
            ),
            Sign(
                r"No module named '?(?P<name>(?!numpy|torch\b)[A-Za-z_][\w.]{0,100})\b'?",
                FAIR,
                also=(r"torch\.load\(|torch[/\\]serialization\.py",),
                near=900,
            ),
            Sign(
                r"Can't get attribute '(?P<name>\w+)' on <module",
                also=(r"torch\.load\(|torch[/\\]serialization\.py|pickle_module|attempt_load|checkpoint|\.pth?\b|\.ckpt|\.pkl|unpickl",),
                unless=(r"multiprocessing[/\\]spawn\.py|SpawnProcess",),
            ),
            Sign(r"No module named '(?P<name>models(?:\.yolo|\.common)?|utils\.\w+|src\.\w+)'", WEAK, also=(r"\.pth?\b",), near=600),
            Sign(
                r"Can't get attribute '(?P<name>\w+)' on <module '\w+' from '[^']{1,200}\.py'>",
                FAIR,
                unless=(r"multiprocessing[/\\]spawn\.py",),
            ),
            Sign(
                r"Can't get attribute '(?P<name>\w+)' on <module '(?:models?|utils|ultralytics|src|nets?|networks?|lib|modules?|common)\b[\w.]{0,60}'"
            ),
            Sign(r"No module named '(?P<name>models\.(?:yolo|common|experimental))'", FAIR),
            Sign(r"source code of class '(?P<name>[\w.]+)' has changed", FAIR, also=(r"AttributeError",)),
            Sign(
                r"Can't get attribute '(?P<name>\w+)' on <module '__main__'>",
                FAIR,
                unless=(r"multiprocessing|SpawnProcess|spawn_main|num_workers",),
            ),
        ),
        fixes=(
            Fix(
                "Run it where the original source code can be imported: from the root of that repository, or with its folder on "
                "PYTHONPATH (sys.path), so that the class {name|of the model} is found under the same name.",
                commands=("export PYTHONPATH=/path/to/the/original/repository",),
            ),
            Fix(
                "For the future save only the state_dict, torch.save(model.state_dict(), path), and load it into a model that you "
                "build in code.",
                code="model = Net()\nmodel.load_state_dict(torch.load(path))",
            ),
        ),
        refines=("module-not-installed", "torch-not-installed-wrong-interpreter", "pickle-local-object"),
        examples=(
            "    model = torch.load('best.pt')\n  File \"/usr/lib/python3/dist-packages/torch/serialization.py\", line 1043, in _load\n"
            "    result = unpickler.load()\n"
            "ModuleNotFoundError: No module named 'models'",
            '  File "/opt/venv/lib/python3.9/site-packages/torch/serialization.py", line 842, in _load\n'
            "    result = unpickler.load()\nAttributeError: Can't get attribute 'SmallNet' on <module '__main__' from 'infer.py'>",
            "AttributeError: Can't get attribute 'SPPF' on <module 'models.common' from '/work/detector/models/common.py'>",
            "error while reading last.pth: AttributeError: Can't get attribute 'adjust_rate' on <module '__main__'>",
            "in _load(f, map_location, pickle_module)\n--> 377     result = unpickler.load()\nImportError: No module named models",
        ),
        counterexamples=("import models\nModuleNotFoundError: No module named 'models'",),
    ),
)
