"""pip and its indexes: no wheel, the wrong wheel, broken downloads, pins that contradict, builds without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

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
            Sign(r"download\.pytorch\.org/whl/\S{1,16} can't be installed because it doesn't have", FAIR),
            Sign(r"Wheels are available for `?(?P<package>torch\w*)`? \(v\d"),
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
            Sign(r"but `?(?P<package>torch\w*)`? \(v[\w.+]{1,20}\) only has wheels (?:for|with) the following"),
            Sign(r"Unable to find installation candidates for (?P<package>torch\w*|triton|xformers|bitsandbytes|nvidia-\S{1,30})"),
            Sign(r"nothing provides (?:requested )?(?P<package>pytorch\S{0,12}|torchvision|torchaudio|cudatoolkit)"),
            Sign(
                r"(?P<package>pytorch(?:-cuda)?|torchvision|torchaudio|cudatoolkit)\b.{0,30} does not exist \(perhaps a typo or a missing channel"
            ),
            Sign(r"Package '(?P<package>torch\w*)' requires a different Python"),
            Sign(r"HTTP error 40[34] while getting .{0,120}(?P<package>torch)", FAIR),
            Sign(r"[Oo]nly (?P<package>torch\w*)(?:\{)?[<>=]\S{1,40} (?:is|are) available"),
            Sign(r"ResolvePackageNotFound: .{0,300}(?P<package>pytorch|torchvision|torchaudio|cudatoolkit|pytorch-cuda)"),
            Sign(r"ResolvePackageNotFound.{0,20}- (?P<package>pytorch|torchvision|torchaudio|cudatoolkit|pytorch-cuda)"),
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
        refines=("torch-too-old-for-library",),
        examples=(
            "ERROR: HTTP error 403 while getting https://download.pytorch.org/whl/cu118/torch-2.9.0%2Bcu118-cp310-cp310-linux_x86_64.whl",
            "hint: Wheels are available for `torch` (v2.6.0) on the following platforms: `manylinux_2_28_aarch64`, `macosx_11_0_arm64`, `win_amd64`",
            "error: Distribution `markupsafe==3.0.2 @ registry+https://download.pytorch.org/whl/cu118` can't be installed because it doesn't have a source distribution or wheel for the current platform",
            "ERROR: Could not find a version that satisfies the requirement torch==1.12.1 (from versions: 2.2.0, 2.2.1, 2.3.0)\nERROR: "
            "No matching distribution found for torch==1.12.1",
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because torch==2.4.1 has no wheels with a matching Python ABI tag",
            "hint: You're on macOS (`macosx_15_0_x86_64`), but `torch` (v2.6.0) only has wheels for the following platforms: `manylinux_2_28_aarch64`, `macosx_11_0_arm64`, `win_amd64`",
            "  Unable to find installation candidates for torch (2.3.0)",
            "ERROR: Package 'torch' requires a different Python: 3.6.9 not in '>=3.7.0'",
            "Could not solve for environment specs\nThe following packages are incompatible\n└─ pytorch-cuda 12.6** does not exist (perhaps a typo or a missing channel).",
            "Solving environment: failed\n\nResolvePackageNotFound:\n  - cudatoolkit=10.0",
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
            Sign(r"\.whl\W{0,4} is not compatible with (?:the current|this) "),
            Sign(r"\.whl is not a valid wheel filename", FAIR),
            Sign(r"(?:URL|path) dependency is incompatible with the current platform", FAIR),
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
        examples=(
            "ERROR: torch-2.3.0+cu121-cp39-cp39-win_amd64.whl is not a supported wheel on this platform.",
            "error: Failed to determine installation plan\n  Caused by: A URL dependency is incompatible with the current platform: https://host/flash_attn-2.7.4-cp312-cp312-linux_x86_64.whl",
        ),
        counterexamples=("Downloading torch-2.3.0-cp311-cp311-manylinux1_x86_64.whl (779.1 MB)",),
    ),
    Cause(
        slug="pip-download-corrupted",
        title="The downloaded wheel was cut off or does not match its hash",
        why="torch's wheels are gigabytes large. A broken connection, a proxy or a stale file in pip's cache left an incomplete copy, "
        "which pip refuses (or cannot unpack).",
        signs=(
            Sign(r"(?P<package>torch\w*|nvidia-[\w-]{2,40}|triton) has an invalid wheel"),
            Sign(r"Bad CRC-32 for file '(?:torch|nvidia|triton|functorch)\w*/"),
            Sign(r"request or response body error", FAIR, also=(r"(?:torch|nvidia|\.whl)",)),
            Sign(r"error decoding response body", FAIR, also=(r"(?:torch|nvidia|\.whl)",)),
            Sign(
                r"Failed to (?:download|extract|fetch)\W{1,3}(?:distribution\W{1,3})?(?P<package>torch\w*|nvidia-[\w-]{2,40}|triton)==",
                FAIR,
            ),
            Sign(r"The read operation timed out", FAIR, also=(r"pip[/\\]_(?:vendor|internal)",)),
            Sign(r"Read timed out", FAIR, also=(r"pip[/\\._]{1,2}(?:vendor|internal)",)),
            Sign(r"ConnectionResetError", FAIR, also=(r"pip[/\\]_(?:vendor|internal)",)),
            Sign(r"Connection broken: ", FAIR, also=(r"pip[/\\]_(?:vendor|internal)",)),
            ends_in("pip/_vendor/urllib3/response.py", "_error_catcher"),
            ends_in("pip/_internal/utils/hashes.py", "_raise"),
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
            Sign(
                r"ConnectionPool\(host='(?:download(?:-r2)?\.pytorch\.org|files\.pythonhosted\.org|pypi\.nvidia\.com)'.{0,60}(?:Max retries exceeded|Read timed out)",
                FAIR,
            ),
            Sign(r"Failed to download distribution due to network timeout"),
            Sign(r"UV_HTTP_TIMEOUT \(current value", FAIR),
            Sign(r"CondaHTTPError: HTTP 000 CONNECTION FAILED", FAIR, also=(r"(?:pytorch|torch|cuda)",)),
            Sign(r"Conda detected a mismatch between the expected content and downloaded content"),
            Sign(r"(?P<package>(?:py)?torch\w*|cuda\w*|libtorch) located at .{0,200} appears to be corrupted"),
            Sign(r"zlib\.error: Error -3 while decompressing", FAIR, also=(r"(?:pip[/\\]|\.whl)",)),
            Sign(r"ChunkedEncodingError: \('Connection broken", FAIR, also=(r"(?:pip[/\\._]|\.whl)",)),
            Sign(r"from archive (?P<package>torch|nvidia)\S{0,120} not found in known hashes"),
            Sign(r"\bGot {1,16}[0-9a-f]{40,64}", FAIR),
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
            Fix(
                "With uv raise its timeout; with conda clear the package cache first.",
                ("UV_HTTP_TIMEOUT=600 uv pip install torch", "conda clean --all --yes"),
            ),
        ),
        examples=(
            "ERROR: torch has an invalid wheel, .dist-info directory not found",
            "zipfile.BadZipFile: Bad CRC-32 for file 'torch/lib/libtorch_cuda.so'",
            "error: Failed to download `torch==2.3.0`\n  Caused by: request or response body error\n  Caused by: operation timed out",
            "  × Failed to download `nvidia-cudnn-cu12==9.1.0.70`\n  ╰─▶ error decoding response body",
            '  File "/opt/py/lib/python3.10/site-packages/pip/_vendor/urllib3/response.py", line 435, in _error_catcher\n    yield\n  File "/opt/py/lib/python3.10/ssl.py", line 1130, in read\n    return self._sslobj.read(len, buffer)\nTimeoutError: The read operation timed out',
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please "
            "update the hashes.\n    torch from https://download.pytorch.org/whl/cu121/torch-2.3.1:\n        Expected sha256 aa\n        "
            "     Got        bb",
            "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='download.pytorch.org', port=443): Read timed out.",
            "error: Failed to download `torch==2.5.1`\n  Caused by: Failed to download distribution due to network timeout. Try increasing UV_HTTP_TIMEOUT (current value: 30s).",
            "ChecksumMismatchError: Conda detected a mismatch between the expected content and downloaded content\nfor url 'https://conda.anaconda.org/pytorch/linux-64/pytorch-1.12.1.tar.bz2'.",
            "        Expected sha256 8b4d1e0f3f8f0b9a6a5f2f8f9b7f2b1c4d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a\n             Got        f7a4de098c11b853287023049f89ad6da9123ba63ec075336727e07eb7df8740",
        ),
        counterexamples=(
            '  File "/srv/client.py", line 12, in fetch\nTimeoutError: The read operation timed out',
            "BadZipFile: File is not a zip file (data/images.zip)",
        ),
    ),
    Cause(
        slug="pip-torch-pin-conflict",
        title="Version pins of torch and its companion packages contradict each other",
        why="{package|torchvision, torchaudio and xformers} is compiled for one torch and pins it exactly. Another package, or an "
        "install without them, brought another torch.",
        signs=(
            Sign(r"(?P<package>torch\w{1,8}(?:==|>=)\S{1,24}) depends on (?P<needs>torch(?:==|>=|<)\S{1,24})", FAIR),
            Sign(r"depends on both (?P<package>torch\w*) \(", also=(r"(?:version solving failed|and torch|is forbidden)",)),
            Sign(r"depends on torch \(\S{1,30}\),? (?:(?P<package>torch\w*) is forbidden|.{0,60}version solving failed)", FAIR),
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
            Sign(
                r"\b(?P<package>torch\w{0,8}) (?P<own>\d[\w.+]{0,30}) (?:requires|has requirement) (?P<needs>[\w-]{2,40}[<>=!~][^,]{1,80}),? but you(?:'ll)? have (?P<have>[\w-]{2,40} \d[\w.+]*)",
                FAIR,
            ),
            Sign(r"conflicting URLs for package `?(?P<package>torch)"),
            Sign(r"Double requirement given: (?P<package>torch)"),
            Sign(
                r"(?P<package>torch(?:vision|audio)|pytorch\S{0,12})-?\S{0,40} requires pytorch .{1,40} but none of the providers can be installed"
            ),
            Sign(r"VersionConflict: \((?P<package>torch\w*) \d"),
            Sign(r"Because (?P<package>torch\w*)==\S{1,30} and torch\w*==\S{1,30} (?:conflict|are incompatible)"),
            Sign(r"The conflict is caused by:.{0,200}(?:torch\w*|nvidia-[\w-]{1,30})(?:==|<|>|~)", FAIR),
            Sign(r"Package (?P<package>pytorch\w*|torchvision|cudatoolkit) conflicts for:"),
            Sign(
                r"(?:pytorch|torchvision|cudatoolkit|pytorch-cuda)\b.{0,160}conflicts with any installable versions previously reported",
                FAIR,
            ),
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
            "Because only the following versions of torchvision are available: torchvision==0.15.2\nand torchvision==0.15.2 depends on torch==2.0.1, we can conclude that your project's requirements are unsatisfiable.",
            "So, because demo depends on both torch (=1.1.0) and torchvision (^0.4.0), version solving failed.",
            "  Because torchvision (0.8.2+cu101) depends on torch (1.7.1)\n   and demo depends on torch (1.7.1+cu101), torchvision is forbidden.",
            "torchaudio 2.3.0 requires torch==2.3.0, but you have torch 2.4.1 which is incompatible.",
            "ERROR: Cannot install -r requirements.txt (line 4) and torch==2.1.0 because these package versions have conflicting "
            "dependencies.",
            'torch 2.5.1 requires nvidia-cudnn-cu12==9.1.0.70; platform_system == "Linux", but you have nvidia-cudnn-cu12 9.5.0 which is incompatible.',
            "pkg_resources.ContextualVersionConflict: (torch 1.12.0 (/opt/v/lib/python3.8/site-packages), Requirement.parse('torch==1.11.0'), {'torchvision'})",
            "error: Requirements contain conflicting URLs for package `torch`:",
            "Package pytorch conflicts for:\npytorch\ntorchvision -> pytorch[version='1.10.0|1.10.1|1.13.1']",
            "The conflict is caused by:\n    The user requested nvidia-cudnn-cu12==9.1.0.70\n    The user requested nvidia-cudnn-cu12==8.9.2.26",
        ),
        counterexamples=("tensorflow 2.15 requires numpy<2, but you have numpy 2.1 which is incompatible.",),
    ),
)
