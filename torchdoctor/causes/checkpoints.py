"""Checkpoint files that cannot be read: damaged, pointers, refused by the unpickler, saved for another device."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_LOAD_CALL = r"torch\.load\(|serialization\.py|load_state_dict\("
_LOAD = r"torch\.load\(|serialization\.py|_legacy_load|UnpicklingError|load_state_dict\("

CAUSES = (
    Cause(
        slug="corrupt-checkpoint",
        title="The checkpoint file is damaged, incomplete or not a checkpoint at all",
        why="The reader found no valid archive: the download or copy was cut off, the disk was full while saving, or the file is "
        "something else (an HTML error page, an archive).",
        signs=(
            Sign(
                r"PytorchStreamReader failed (?:reading|locating|finding)",
                unless=(r"failed locating file constants\.pkl|failed locating file data\.pkl",),
                near=80,
            ),
            Sign(r"PytorchStreamReader failed locating file (?:constants|data)\.pkl", FAIR),
            Sign(r"failed finding central directory"),
            Sign(r"invalid header or archive is corrupted"),
            Sign(r"unexpected EOF, expected \d+ more bytes\. The file might be corrupted"),
            Sign(r"EOFError: Ran out of input", also=(_LOAD,)),
            Sign(r"storage has wrong (?:byte )?size: expected"),
            Sign(r"(?:Error|while) deserializing header: (?P<header>\w+)", also=(r"safetensor|header",)),
            Sign(r"SafetensorError: .{0,60}(?:InvalidHeader|MetadataIncompleteBuffer|HeaderTooLarge|HeaderTooSmall|InvalidHeaderLength)"),
            Sign(r"MetadataIncompleteBuffer"),
            Sign(r"invalid load key, '(?!v')(?P<key>[^']{1,8})'"),
            Sign(r"Invalid magic number; corrupt file\?", unless=(r"raise RuntimeError\(\"Invalid magic number",)),
            Sign(r"invalid hash value \(expected \"", also=(r"torch|hub|\.pth|\.pt",)),
            Sign(r"Unable to load weights from pytorch checkpoint file", FAIR),
            Sign(r"pickle data was truncated", FAIR, also=(_LOAD_CALL,)),
            Sign(r"Error: .{0,20}PytorchStreamReader", FAIR),
            Sign(r"PyTorchFileReader\(name_or_buffer\)", FAIR),
            ends_in("torch/serialization.py", "__init__", code=r"PyTorchFileReader\("),
        ),
        fixes=(
            Fix(
                "Download or copy the file again (delete the broken one and the cached copy first) and compare its size and sha256 "
                "hash with the source.",
                commands=("ls -l CHECKPOINT", "sha256sum CHECKPOINT"),
            ),
            Fix(
                "If it comes from your own training: use an earlier checkpoint; the last save was cut off (disk full, job killed while "
                "saving)."
            ),
            Fix(
                "Look at the first bytes: '<' is an HTML page (wrong link), 'version https://git-lfs' a Git LFS pointer.",
                commands=("head -c 200 CHECKPOINT",),
            ),
        ),
        examples=(
            "    super().__init__(torch._C.PyTorchFileReader(name_or_buffer))\n"
            "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory",
            "safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer",
            "_pickle.UnpicklingError: invalid load key, '<'.",
            "RuntimeError: unexpected EOF, expected 7491165 more bytes. The file might be corrupted.",
        ),
        counterexamples=('EOFError: Ran out of input\n  File "cache.py", line 3, in <module>\n    pickle.load(f)',),
    ),
    Cause(
        slug="git-lfs-pointer",
        title="The weight file is only a Git LFS pointer, a text of a few lines instead of the weights",
        why="The repository was cloned without Git LFS (or downloaded as a zip), so that the large files are pointer texts beginning "
        "with 'version https://git-lfs...'; "
        "the unpickler stumbles over the 'v', safetensors over a header that is too large.",
        signs=(
            Sign(r"invalid load key, 'v'"),
            Sign(r"version https://git-lfs\.github\.com/spec"),
            Sign(r"cloned a repository without having git-lfs installed"),
            Sign(r"deserializing header: (?:HeaderTooLarge|header too large)", FAIR),
        ),
        fixes=(
            Fix(
                "Fetch the real files: run git lfs install and git lfs pull inside the cloned folder, then check that the file has the "
                "full size (ls -l).",
                commands=("git lfs install", "git lfs pull"),
            ),
            Fix(
                "Or download the model without git.",
                commands=("huggingface-cli download REPO --local-dir FOLDER",),
            ),
        ),
        refines=("corrupt-checkpoint",),
        examples=(
            "    magic_number = pickle_module.load(f, **pickle_load_args)\n_pickle.UnpicklingError: invalid load key, 'v'.",
            "OSError: You seem to have cloned a repository without having git-lfs installed. Please install git-lfs and run `git lfs "
            "install` followed by `git lfs pull` in the folder you cloned.",
        ),
        counterexamples=("_pickle.UnpicklingError: invalid load key, '<'.",),
    ),
    Cause(
        slug="weights-only-unpickling",
        title="torch.load refused to unpickle an object ({object|a Python object}) because weights_only is True by default since torch 2.6",
        why="Since torch 2.6 torch.load only restores tensors and plain containers unless told otherwise; this file also holds other "
        "Python objects (arguments, numpy scalars, classes).",
        signs=(
            Sign(r"Unsupported (?:global|class): (?:GLOBAL )?(?P<object>[\w.]+) was not an allowed global"),
            Sign(r"Weights only load failed"),
            Sign(r"raise pickle\.UnpicklingError\(_get_wo_message\(", FAIR),
            Sign(r"WeightsUnpickler error: (?!Unsupported operand 118)"),
            Sign(r"Unsupported (?:global|class) .{0,20}(?P<object>[\w.]+) ?(?:was not|is not) an allowed"),
            Sign(r"torch\.serialization\.add_safe_globals\(\[(?P<object>[\w., ]+)\]\)", FAIR),
            Sign(r"WeightsUnpickler", FAIR, also=(r"UnpicklingError",)),
            ends_in("torch/serialization.py", "load", code=r"raise pickle\.UnpicklingError\("),
        ),
        fixes=(
            Fix(
                "For a file from a source you trust: torch.load(path, weights_only=False). That can run code from the file.",
                code='checkpoint = torch.load(path, map_location="cpu", weights_only=False)',
            ),
            Fix(
                "Or allow only the class that the message names: torch.serialization.add_safe_globals([TheClass]) before torch.load.",
                code="torch.serialization.add_safe_globals([TheClass])",
            ),
            Fix(
                "If the call is inside a library: upgrade that library, or stay with torch<2.6 for now.",
                commands=('pip install "torch<2.6"',),
            ),
        ),
        examples=(
            "_pickle.UnpicklingError: Weights only load failed. This file can still be loaded, to do so you have two options, do those "
            "steps only if you trust the source of the checkpoint.\n"
            "\tWeightsUnpickler error: Unsupported global: GLOBAL argparse.Namespace was not an allowed global by default.",
            "_pickle.UnpicklingError: Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely "
            "succeed",
        ),
        counterexamples=("FutureWarning: You are using `torch.load` with `weights_only=False`",),
    ),
    Cause(
        slug="torch-load-needs-2.6",
        title="transformers refuses torch.load with a torch older than 2.6",
        why="Because of CVE-2025-32434 newer transformers load pickled weights (pytorch_model.bin, optimizer.pt) only with torch 2.6 "
        "or newer; safetensors files are not concerned.",
        signs=(
            Sign(r"serious vulnerability issue in `?torch\.load"),
            Sign(r"require users to upgrade torch to at least v?2\.6"),
            Sign(r"CVE-2025-32434"),
            ends_in("transformers/utils/import_utils.py", "check_torch_load_is_safe"),
        ),
        fixes=(
            Fix(
                "Upgrade torch to 2.6 or newer (with torchvision and torchaudio of the same release).",
                commands=('pip install -U "torch>=2.6" torchvision torchaudio',),
            ),
            Fix(
                "Or load safetensors weights: use_safetensors=True, a revision of the repository that has model.safetensors, or "
                "convert the .bin file once."
            ),
            Fix("Or stay with an older transformers (before 4.52) where torch cannot be upgraded."),
        ),
        refines=("torch-too-old-for-library",),
        examples=(
            "ValueError: Due to a serious vulnerability issue in `torch.load`, even with `weights_only=True`, we now require users to "
            "upgrade torch to at least v2.6",
        ),
        counterexamples=("torch 2.6.0 is installed",),
    ),
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
        refines=("cuda-hardcoded", "torch-cpu-only-build", "invalid-device-ordinal", "cuda-unavailable-no-driver"),
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
        ),
        fixes=(
            Fix("Upgrade torch to at least the version that saved the file.", commands=("pip install -U torch",)),
            Fix("Or save it again with the new torch in the old format: torch.save(state, path, _use_new_zipfile_serialization=False)."),
        ),
        refines=("corrupt-checkpoint",),
        examples=("RuntimeError: weights/best.pth is a zip archive (did you mean to use torch.jit.load()?)",),
        counterexamples=("RuntimeError: PytorchStreamReader failed reading zip archive: not a ZIP archive",),
    ),
    Cause(
        slug="checkpoint-needs-source-code",
        title="The checkpoint is a pickled object whose class ({name|of the original program}) cannot be imported here",
        why="torch.save(model) stores only the path of the class. To load it, Python must import the module under the same name as in "
        "the program that saved it.",
        signs=(
            Sign(
                r"No module named '(?P<name>(?!numpy|torch\b)[\w.]+)'",
                also=(r"(?:pickle_module|unpickler|_unpickler|Unpickler)\.load\(|find_class\(",),
                near=1200,
            ),
            Sign(
                r"No module named '(?P<name>(?!numpy|torch\b)[\w.]+)'", FAIR, also=(r"torch\.load\(|torch[/\\]serialization\.py",), near=900
            ),
            Sign(
                r"Can't get attribute '(?P<name>\w+)' on <module",
                also=(r"torch\.load\(|torch[/\\]serialization\.py|pickle_module|attempt_load",),
                unless=(r"multiprocessing[/\\]spawn\.py",),
            ),
            Sign(r"No module named '(?P<name>models(?:\.yolo|\.common)?|utils\.\w+|src\.\w+)'", WEAK, also=(r"\.pth?\b",), near=600),
            Sign(
                r"Can't get attribute '(?P<name>\w+)' on <module '\w+' from '[^']{1,200}\.py'>",
                FAIR,
                unless=(r"multiprocessing[/\\]spawn\.py",),
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
        ),
        counterexamples=("import models\nModuleNotFoundError: No module named 'models'",),
    ),
)
