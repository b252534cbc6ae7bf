"""Checkpoint files that cannot be read: damaged, pointers, refused by the unpickler, saved for another device."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign
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
            Sign(r"unpickling stack underflow", also=(r"torch|\.pth?\b|ckpt|checkpoint",)),
            Sign(r"SHA256 checksum does not (?:not )?match"),
            Sign(r"File is not a zip file", FAIR, also=(r"torch|\.pth?\b|\.ckpt|checkpoint|weights",)),
            Sign(r"Unable to (?:synchronously )?open file \((?:truncated file|file signature not found)"),
            Sign(r"model is corrupted or incomplete"),
            Sign(r"data is not within the file bounds"),
            Sign(r"incomplete metadata, file not fully covered"),
            Sign(r"SafetensorError: .{0,80}(?:incomplete metadata|invalid JSON in header|header too small|invalid header)"),
            Sign(r"Consistency check failed: file should be of size \d+ but has size \d+"),
            Sign(r"UnpicklingError: .{0,60}Unsupported operand 60\b"),
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
            "RuntimeError: Model has been downloaded but the SHA256 checksum does not not match. Please retry loading the model.",
            "OSError: Unable to synchronously open file (truncated file: eof = 1048576, sblock->base_addr = 0, stored_eof = 26499904)",
            "OSError: Consistency check failed: file should be of size 4976698672 but has size 310378496 (model-00001-of-00004.safetensors).",
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
            Sign(r"UnpicklingError: .{0,60}Unsupported operand 118\b"),
            Sign(r"(?:is|are|be) (?:a |an |only )?(?:git[- ])?LFS pointer", FAIR),
            Sign(r"git: 'lfs' is not a git command", FAIR),
            Sign(r"git-lfs: (?:command )?not found", FAIR),
            Sign(r"over its data quota.{0,80}LFS", FAIR),
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
            "_pickle.UnpicklingError: Weights only load failed. WeightsUnpickler error: UnpicklingError: Unsupported operand 118",
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
            Sign(r"Weights only load failed", unless=(r"Unsupported operand (?:118|60)\b",)),
            Sign(r"raise pickle\.UnpicklingError\(_get_wo_message\(", FAIR),
            Sign(r"WeightsUnpickler error: (?!Unsupported operand (?:118|60)\b|UnpicklingError: Unsupported operand (?:118|60)\b)"),
            Sign(r"Unsupported (?:global|class) .{0,20}(?P<object>[\w.]+) ?(?:was not|is not) an allowed"),
            Sign(r"torch\.serialization\.add_safe_globals\(\[(?P<object>[\w., ]+)\]\)", FAIR),
            Sign(r"WeightsUnpickler", FAIR, also=(r"UnpicklingError",)),
            ends_in("torch/serialization.py", "load", code=r"raise pickle\.UnpicklingError\("),
            Sign(r"was not an allowed global by default"),
            Sign(r"UnpicklingError: .{0,30}Unsupported operand (?!118\b|60\b)\d+", FAIR),
            Sign(r"Cannot use .{0,3}weights_only=True.{0,3} with TorchScript archives"),
            Sign(r"changed the default value of the .{0,2}weights_only.{0,2} argument"),
            Sign(r"Trying to (?:load|instantiate|call reduce for) unsafe (?:global|type|class|object)?", FAIR),
            Sign(r"global '(?P<object>[\w./]+ \w+|[\w./]+)' is forbidden", FAIR),
        ),
        fixes=(
            Fix(
                "For a file from a source you trust: torch.load(path, weights_only=False) (in the Stable Diffusion web UI --disable-safe-unpickle). "
                "That can run code from the file.",
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
            "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to `True`.",
            "RuntimeError: Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``.",
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
            ends_in("transformers/modeling_utils.py", "load_state_dict", code=r"check_torch_load_is_safe\("),
            Sign(r"upgrade torch to at least v?2\.6"),
            Sign(r"restriction does not apply when loading files with safetensors"),
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
            "upgrade torch to at least v2.6 in order to use the function. This version restriction does not apply when loading files with safetensors.",
        ),
        counterexamples=("torch 2.6.0 is installed",),
    ),
)
