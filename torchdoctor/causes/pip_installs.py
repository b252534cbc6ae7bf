"""pip and its indexes: no wheel, the wrong wheel, broken downloads, pins that contradict, builds without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_INDEXES = frozenset("cpu cu102 cu110 cu111 cu113 cu115 cu116 cu117 cu118 cu121 cu124 cu126 cu128 cu129 cu130 cu132".split())


def _no_such_index(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether no wheel index has this tag."""
    return groups["tag"] not in _INDEXES


CAUSES = (
    Cause(
        slug="pip-no-matching-distribution",
        title="pip finds no wheel of {package|torch} for this Python version, platform or index",
        why="pip offers only the versions that have a wheel for the running Python, operating system and architecture in the index it "
        "looks into. The version asked for is not among them, or the index itself does not exist ('from versions: none').",
        signs=(
            Sign(r"download\.pytorch\.org/whl/(?P<tag>cu\d{2,4})\b", also=(r"from versions: none",), test=_no_such_index),
            Sign(r"Could not find a version that satisfies the requirement (?P<package>torch\w*)(?P<wanted>[=<>~!]=?[\w.+*]{1,40})?"),
            Sign(r"No matching distribution found for (?P<package>torch\w*)(?P<wanted>[=<>~!]=?[\w.+*]{1,40})?"),
            Sign(
                r"Could not find a version that satisfies the requirement (?P<package>(?:triton|xformers|flash[-_]attn|bitsandbytes|"
                r"nvidia-\w+|pytorch\w*|vllm|deepspeed)\S{0,40})"
            ),
            Sign(
                r"No matching distribution found for (?P<package>(?:triton|xformers|flash[-_]attn|bitsandbytes|nvidia-\w+|pytorch\w*|"
                r"vllm|deepspeed)\S{0,40})"
            ),
            Sign(
                r"Because (?P<package>torch\w*)(?:==|>=|<|>)\S{1,30} (?:has no wheels with a matching|was not found|does not satisfy "
                r"Python|depends on)"
            ),
            Sign(r"there is no version of (?P<package>torch\w*)(?:==|\{)\S{1,30}"),
            Sign(r"`?(?P<package>torch\w*)==\S{1,20} @ registry\S{1,80} can.t be installed because it doesn.t have a"),
            Sign(r"Because there (?:is|are) no versions? of (?P<package>torch\w*)"),
            Sign(r"No solution found when resolving dependencies.{0,300}\btorch", FAIR),
            Sign(r"No module named '?tools\.nnwrap"),
            Sign(r"\btorch(?:-|\", version=\")0\.1\.2\.post\d", FAIR),
            Sign(r"(?P<package>torch\w*)(?:==\S{1,30})? .{0,60}has no wheels with a matching Python (?:ABI|version|implementation) tag"),
            Sign(r"You can install with `?pip install torch`?.{0,80}instead of `?pip install pytorch`?", FAIR),
            Sign(r'You tried to install "pytorch"\. The package named for PyTorch is "torch"'),
            Sign(r"PackagesNotFoundError: .{0,120}(?P<package>pytorch|torchvision|pytorch-cuda)", FAIR),
            Sign(r"The following packages are not available from current channels.{0,200}(?P<package>pytorch|cudatoolkit)", FAIR),
        ),
        explains=("pip-build-failed", "torch-not-installed-wrong-interpreter"),
        fixes=(
            Fix(
                "Use a Python version (64-bit) that has wheels: torch 2.9 to 2.14 support Python 3.10 to 3.14 (2.15: 3.11 to 3.15), "
                "torch 2.5 to 2.8 support 3.9 to 3.13, torch 1.13 up to 3.10 (3.11 in part). Make an environment with that Python, for "
                "example 3.10 or 3.11.",
                (
                    "python -c \"import sys, struct, platform; print(sys.version, struct.calcsize('P') * 8, platform.machine())\"",
                    "uv venv --python 3.11",
                ),
            ),
            Fix(
                "Use a version that exists (a newer torch 2.x for a newer Python; relax the pin in requirements.txt) and an --index-url "
                "that exists: cpu, cu118, cu121, cu124, cu126, cu128, cu129, cu130, cu132. Not every torch is in every index; cu131 for "
                "example does not exist.",
                ("pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128",),
            ),
            Fix(
                "Where the package has no wheel for this platform (Intel Macs after torch 2.2, Windows for triton, 32-bit systems), take "
                "the last version that has one, or conda-forge.",
                ("pip index versions torch",),
            ),
        ),
        decide="python --version; pip debug | head -20; pip index versions torch",
        examples=(
            "ERROR: Could not find a version that satisfies the requirement torch==1.12.1 (from versions: 2.2.0, 2.2.1, 2.3.0)\nERROR: "
            "No matching distribution found for torch==1.12.1",
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because torch==2.4.1 has no wheels with a matching Python ABI tag",
        ),
        counterexamples=("ERROR: No matching distribution found for my-private-package==0.1",),
    ),
    Cause(
        slug="pip-wheel-wrong-platform",
        title="The wheel file does not fit this Python or platform",
        why="A wheel's name says for which Python (cp310), operating system and processor it is. pip refuses one whose tags the running "
        "interpreter does not support.",
        signs=(
            Sign(r"(?P<wheel>[\w.+%-]{1,120}\.whl) is not a supported wheel on this platform"),
            Sign(r"is not a supported wheel on this platform"),
            Sign(r"\.whl.{0,60}is not compatible with the current platform", FAIR),
            Sign(r"A path dependency is incompatible with the current platform", FAIR),
        ),
        fixes=(
            Fix(
                "Choose the wheel whose cpXY and platform tags match this interpreter (python --version; cp35 means Python 3.5), or make "
                "an environment with the Python version that the wheel is for.",
                ("python --version", "python -m pip debug --verbose | head -40"),
            ),
            Fix(
                "Or let pip choose the matching wheel from the index instead of naming a file.",
                ("python -m pip install torch --index-url https://download.pytorch.org/whl/cu128",),
            ),
        ),
        examples=("ERROR: torch-2.3.0+cu121-cp39-cp39-win_amd64.whl is not a supported wheel on this platform.",),
        counterexamples=("Downloading torch-2.3.0-cp311-cp311-manylinux1_x86_64.whl (779.1 MB)",),
    ),
    Cause(
        slug="pip-download-corrupted",
        title="The downloaded wheel was cut off or does not match its hash",
        why="torch's wheels are gigabytes large. A broken connection, a proxy or a stale file in pip's cache left an incomplete copy, "
        "which pip refuses (or cannot unpack).",
        signs=(
            Sign(r"THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE"),
            Sign(r"Hash mismatch for `?(?P<package>torch|nvidia)\S{0,60}", FAIR),
            Sign(
                r"(?:zipfile\.)?BadZipFile: (?:File is not a zip file|Bad CRC-32|Bad magic number)",
                FAIR,
                also=(r"(?:\.whl|pip[/\\]|wheel)",),
            ),
            Sign(r"Wheel '?(?P<package>[\w-]{1,40})'? located at \S{1,200} is invalid"),
            Sign(
                r"ReadTimeoutError: HTTPS?ConnectionPool\(host='(?:download(?:-r2)?\.pytorch\.org|files\.pythonhosted\.org|"
                r"pypi\.nvidia\.com)'"
            ),
            Sign(r"IncompleteRead\(\d+ bytes read, \d+ more expected\)", FAIR, also=(r"(?:pip|\.whl)",)),
            Sign(r"ProtocolError: \('Connection broken: .{0,120}", FAIR, also=(r"(?:pip[/\\]|\.whl)",)),
            Sign(r"incomplete-download", FAIR),
            Sign(r"Download failed because not enough bytes were received", FAIR),
        ),
        explains=("pip-build-failed",),
        fixes=(
            Fix(
                "Clear pip's cache and download again, without cache and with a longer timeout.",
                ("pip cache purge", "pip install --no-cache-dir --default-timeout=1000 torch torchvision torchaudio"),
            ),
            Fix(
                "If the connection keeps breaking, download the wheel file with a tool that can resume and install the file, or use "
                "another mirror.",
                ("curl -L -C - -O URL_OF_THE_WHEEL", "pip install ./torch-VERSION.whl"),
            ),
        ),
        examples=(
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please "
            "update the hashes.\n    torch from https://download.pytorch.org/whl/cu121/torch-2.3.1:\n        Expected sha256 aa\n        "
            "     Got        bb",
            "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='download.pytorch.org', port=443): Read timed out.",
        ),
        counterexamples=("BadZipFile: File is not a zip file (data/images.zip)",),
    ),
    Cause(
        slug="pip-torch-pin-conflict",
        title="Version pins of torch and its companion packages contradict each other",
        why="{package|torchvision, torchaudio and xformers} is compiled for one torch and pins it exactly. Another package, or an "
        "install without them, brought another torch.",
        signs=(
            Sign(
                r"(?P<package>torchvision|torchaudio|xformers|torchtext|torchdata|fastai|vllm|pytorch-lightning|auto-gptq|"
                r"unsloth\S{0,12}|triton|torchtune|[\w-]{2,40}) (?P<own>\d[\w.+]{0,30}) requires "
                r"(?P<needs>(?:torch|torchvision|torchaudio|triton)(?:==|<|>=|~=|!=)[\w.,<>=~!+*]{1,40}), but you have (?P<have>torch\w* "
                r"\d[\w.+]*|triton \d[\w.]*)"
            ),
            Sign(
                r"(?P<package>[\w-]{2,40}) (?P<own>\d[\w.+]{0,30}) has requirement (?P<needs>torch[\w.,<>=~!+* ]{1,40}), but you'll have "
                r"(?P<have>torch\w* \d[\w.+]*)"
            ),
            Sign(r"Because (?P<package>[\w-]{2,40}) \([\w.,<>=^~!* ]{1,30}\) depends on torch \(", also=(r"version solving failed",)),
            Sign(r"Cannot install .{0,200}\btorch\S{0,40}.{0,200}because these package versions have conflicting dependencies"),
            Sign(r"Cannot install .{0,120}\btorch(?:==|\b)", also=(r"(?:conflicting dependencies|ResolutionImpossible)",)),
            Sign(r"The conflict is caused by: .{0,300}depends on torch(?:==|<|>|~)"),
            Sign(r"depends on torch(?:==|<|>=).{0,300}(?:ResolutionImpossible|conflicting dependencies|requirements are unsatisfiable)"),
            Sign(r"Because (?P<package>[\w-]{2,40}(?:==|>=)\S{1,20}) depends on torch(?:==|<|>=)\S{1,30}"),
            Sign(r"UnsatisfiableError: .{0,300}pytorch", FAIR),
            Sign(r"LibMambaUnsatisfiableError: .{0,400}pytorch", FAIR),
        ),
        fixes=(
            Fix(
                "Install torch, torchvision and torchaudio together in one command, in versions that match each other: torchvision "
                "0.(N+15) pairs with torch 2.N (0.19.1 with 2.4.1, 0.20.1 with 2.5.1), all from the same index (and with the same local "
                "tag, such as +cu128).",
                ("pip install torch torchvision torchaudio --index-url https://download.pytorch.org/whl/cu128", "pip check"),
            ),
            Fix(
                "Or loosen the pin: upgrade the package that pins torch, or install it with --no-deps if it works with this torch.",
                ("pip install -U PACKAGE", "pip install --no-deps PACKAGE"),
            ),
        ),
        examples=(
            "torchaudio 2.3.0 requires torch==2.3.0, but you have torch 2.4.1 which is incompatible.",
            "ERROR: Cannot install -r requirements.txt (line 4) and torch==2.1.0 because these package versions have conflicting "
            "dependencies.",
        ),
        counterexamples=("tensorflow 2.15 requires numpy<2, but you have numpy 2.1 which is incompatible.",),
    ),
    Cause(
        slug="pip-build-isolation-no-torch",
        title="The package's setup imports torch, but pip builds it in an isolated environment without torch",
        why="pip builds packages in a fresh environment that holds only their declared build requirements. flash-attn, apex, "
        "torch-scatter and others import torch in setup.py without declaring it, so torch is missing there although it is installed "
        "outside.",
        signs=(
            Sign(
                r"No module named '?torch'?(?![\w.])",
                also=(r"(?:get_requires_for_build|build_meta\.py|pip-build-env|Getting requirements to build wheel)",),
            ),
            Sign(r"No module named '?torch'?(?![\w.])", also=(r"(?:subprocess-exited-with-error|metadata-generation-failed)",)),
            Sign(
                r"No module named '?torch'?(?![\w.])",
                also=(
                    r"(?:Failed to build|builds-v\d|build_editable|prepare_metadata_for_build|errored out with exit "
                    r"status|[/\\]pip-install)",
                ),
            ),
            Sign(r"No module named '?torch'?(?![\w.])", also=(r"setup\.py (?:egg_info|bdist_wheel|install|develop)",)),
            Sign(
                r"No module named '?(?:packaging|wheel|psutil|ninja|numpy)'?(?![\w.])",
                also=(r"(?:get_requires_for_build|build_meta\.py|pip-build-env)", r"(?:flash[-_]attn|apex|torch)"),
            ),
            Sign(r"`?\S{1,60}`? depends on `?torch`?, but doesn't declare it as a build dependency"),
            Sign(r"invalid command 'bdist_wheel'", FAIR, also=(r"(?:flash[-_]attn|torch|apex)",)),
        ),
        refines=("torch-not-installed-wrong-interpreter", "module-not-installed", "numpy-missing"),
        explains=("pip-build-failed",),
        fixes=(
            Fix(
                "Install torch and the build tools first, then install the package with --no-build-isolation.",
                ("pip install torch wheel setuptools packaging ninja psutil", "pip install --no-build-isolation flash-attn"),
            ),
            Fix("Or install a prebuilt wheel of the package for this torch, CUDA and Python version."),
        ),
        examples=(
            '  × Getting requirements to build wheel did not run successfully.\n      File "<string>", line 19, in <module>\n'
            "      ModuleNotFoundError: No module named 'torch'\n      [end of output]",
        ),
        counterexamples=("ModuleNotFoundError: No module named 'torch'",),
    ),
    Cause(
        slug="pip-build-failed",
        title="pip could not build the package; the first error inside the build log is the reason",
        why="There was no wheel for this platform, so pip ran the package's own build, which failed. pip's last lines only say that it "
        "did.",
        signs=(
            Sign(r"error: subprocess-exited-with-error", FAIR),
            Sign(r"error: metadata-generation-failed", FAIR),
            Sign(r"Failed (?:to build|building wheel for) (?P<package>[\w.-]{2,60})", FAIR),
            Sign(r"Could not build wheels for (?P<package>[\w., -]{2,80}), which is required", FAIR),
            Sign(r"ERROR: Failed to build installable wheels for some pyproject\.toml based projects", FAIR),
            Sign(r"Getting requirements to build wheel did not run successfully", FAIR),
            Sign(r"legacy-install-failure", FAIR),
            Sign(r"Encountered error while (?:generating package metadata|trying to install package)", WEAK),
            Sign(r"The build backend returned an error", FAIR),
        ),
        consequence=True,
        fixes=(
            Fix(
                "Read the first error of the build log (from the top: 'error:', 'fatal', a missing module or compiler) and solve that one.",
                ("pip install -v --no-cache-dir PACKAGE",),
            ),
            Fix(
                "Or avoid the build: upgrade pip and use a version of the package, or of Python, for which a wheel exists.",
                ("python -m pip install -U pip setuptools wheel", "pip install --only-binary :all: PACKAGE"),
            ),
        ),
        examples=("error: metadata-generation-failed\n\n× Encountered error while generating package metadata.",),
        counterexamples=("Successfully built demo\nSuccessfully installed demo-0.1",),
    ),
    Cause(
        slug="pip-no-space-left",
        title="The disk (or pip's temporary folder) ran full while installing",
        why="torch with its CUDA libraries needs about 5 GB for the download and 8 GB unpacked, in the cache, in the temporary folder "
        "and in the environment.",
        signs=(
            Sign(r"\[Errno 28\] No space left on device", also=(r"(?:Could not install packages|pip[/\\]|\bpip install)",)),
            Sign(r"Could not install packages due to an OSError: \[Errno 28\]"),
            Sign(r"\[Errno 122\] Disk quota exceeded", also=(r"(?:Could not install packages|pip)",)),
        ),
        explains=("pip-build-failed", "torch-install-broken"),
        fixes=(
            Fix(
                "Free space (pip cache purge, old environments), or put the temporary folder and the cache on a larger disk.",
                ("df -h / /tmp ~", "pip cache purge", "TMPDIR=/larger/disk pip install --no-cache-dir torch"),
            ),
            Fix(
                "For a CPU-only use install the CPU wheel, which is a tenth of the size.",
                ("pip install torch --index-url https://download.pytorch.org/whl/cpu",),
            ),
        ),
        examples=("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",),
        counterexamples=("OSError: [Errno 28] No space left on device: 'checkpoints/model.pt'",),
    ),
    Cause(
        slug="pip-externally-managed",
        title="The system's Python refuses pip installs (externally managed environment)",
        why="Debian, Ubuntu, Homebrew and others protect their own Python from pip. Packages belong into a virtual environment.",
        signs=(Sign(r"externally-managed-environment"), Sign(r"This environment is externally managed")),
        fixes=(
            Fix(
                "Create a virtual environment and install there.",
                ("python3 -m venv ~/torch-env", "source ~/torch-env/bin/activate", "python -m pip install torch"),
            ),
            Fix("In a throw-away container: --break-system-packages.", ("pip install --break-system-packages torch",)),
        ),
        examples=("error: externally-managed-environment\n\n× This environment is externally managed",),
        counterexamples=("environment is managed by uv",),
    ),
)
