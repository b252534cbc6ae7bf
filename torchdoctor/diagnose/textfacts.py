"""What a text says of the machine it comes from: system, versions, GPUs, size of the job.

Only what is stated or what a path proves; a text that contradicts itself (two systems, two versions) leaves the field unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Optional

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.situation import Situation

_WINDOWS = Lazy(
    r"(?<![A-Za-z])[A-Z]:\\{1,2}[\w .(-]|\[WinError \d|win_amd64|\bwin32\b|\\Lib\\site-packages|\\lib\\site-packages|PS [A-Z]:\\"
    r"|Windows fatal exception|Windows-1\d-|OS: (?:Microsoft )?Windows|\.pyd\b|\\[\w-]{1,60}\.py\b"
    r"|\.\.\\torch\\|\\Scripts\\|(?<![A-Za-z])[A-Z]:/(?:Users|[Pp]rogram|Python|conda|\w{1,30}/)"
)
_MACOS = Lazy(
    r"(?<![A-Za-z]:)(?<![\w/])/Users/(?!runner)|/opt/homebrew/|macosx_\d|/System/Library/|/Library/Frameworks/"
    r"|\bdarwin\b|AppleInternal|OS: macOS|MPSNDArray|MPS backend|at::native::mps|MPSGraph|\bmps:0\b|macOS 1\d"
    r"|libtorch_\w{1,20}\.dylib"
    r"|Apple M\d\b|\.dylib\b|/AppData/Local/macos",
    "Users",
    "homebrew",
    "macos",
    "/Library/",
    "darwin",
    "Apple",
    "dylib",
    "MPS",
    "mps",
    "macOS",
)
_LINUX = Lazy(
    r"(?<![\w:])/home/[\w.-]|(?<![\w:])/root/|/usr/lib/python|/dist-packages/|/opt/conda/|manylinux|linux_x86_64|linux_aarch64|\.so\.\d"
    r"|/workspace/|/content/|/kaggle/|slurmstepd|\bsrun: |/proc/|linux-gnu|OS: (?:Ubuntu|Debian|CentOS|Red Hat"
    r"|Rocky|Fedora|Arch|SUSE|Linux)|NVRM: |NCCL (?:INFO|WARN)|/mnt/|/scratch/"
)
_CONDA = Lazy(
    r"(?:ana|mini)conda\d?[/\\]|(?:mamba|mini)forge\d?[/\\]|/opt/conda/|[/\\]conda[/\\]envs[/\\]|micromamba"
    r"|conda (?:install|create|activate)",
    "conda",
    "forge",
    "mamba",
)
_POETRY = Lazy(r"pypoetry[/\\]|poetry (?:add|install|run|lock)|poetry\.lock", "poetry")
_UV = Lazy(
    r"(?<![\w-])uv (?:pip|run|sync|add|lock|tool)\b|uv\.lock|[/\\]uv[/\\](?:python|cache|archive|tools)"
    r"|\.cache/uv/|astral-sh/uv",
    "uv",
)
_PIP = Lazy(r"\bpip3? install\b|/\.?venv\d?/|\\\.?venv\\|virtualenvs?/|Collecting \w", "pip", "venv", "virtualenv", "Collecting")
_NOTEBOOK = Lazy(r"<ipython-input|ipykernel|/content/|/kaggle/|Cell In ?\[\d|Input In \[|vscode-notebook|\.ipynb|google\.colab")
_WSL = Lazy(r"/mnt/[c-h]/|@(?:DESKTOP|LAPTOP)-\w+:|/usr/lib/wsl|microsoft-standard|\bWSL2?\b")
_CONTAINER = Lazy(
    r"docker (?:run|compose|exec)|/\.dockerenv|nvcr\.io/|nvidia-container-cli|(?:singularity|apptainer|enroot"
    r"|podman) (?:exec|run|start)|\[pod/|kubectl "
    r"|root@[0-9a-f]{12}[:#]|docker: Error|OOMKilled|/opt/nvidia/nvidia_entrypoint|could not select device driver"
)
_SLURM = Lazy(r"\bsrun\b|slurmstepd|SLURM_[A-Z]|slurm-\d{2,12}|\bsbatch\b|slurmd\b", "srun", "lurm", "SLURM", "sbatch")
_ARCH = Lazy(
    r"\b(x86_64|aarch64|amd64|AMD64)\b|(?:linux|win|macosx_\d{1,2}_\d{1,2}|linux-)[_-](x86_64|aarch64|amd64"
    r"|arm64)|\b(arm64)\b|(x86_64|aarch64)-linux-gnu"
)
_PYTHON_SAID = Lazy(
    r"\bPython(?: version)?:? ?v?(3\.\d{1,2}(?:\.\d{1,2})?)\b"
    r"|\bpython_version[\"']?[:= ]{1,3}[\"']?(3\.\d{1,2}(?:\.\d{1,2})?)",
    "ython",
)
_PYTHON_PATH = Lazy(
    r"[/\\](?:lib[/\\])?python(3\.\d{1,2})[/\\]|[/\\]Python(3)(\d{1,2})(?:-32)?[/\\]"
    r"|[/\\]Versions[/\\](3\.\d{1,2})[/\\]|[/\\]versions[/\\](3\.\d{1,2}\.\d{1,2})[/\\]"
    r"|cpython-(3)(\d{1,2})(?:-|\.)",
    "ython",
    "ersions",
)
_VERSION = r"(\d\.\d{1,2}(?:\.\d{1,2})?(?:\.dev\d{8}|a\d|rc\d)?(?:a0)?(?:\+[\w.]{1,30})?)"
_TORCH = (
    Lazy(rf"you have (?:torch |PyTorch )?{_VERSION}", "you have "),
    Lazy(rf"(?:PyTorch|pytorch|torch) [Vv]ersion[: =]{{1,4}}['\"]?{_VERSION}", "ersion"),
    Lazy(rf"torch\.__version__.{{0,12}}?['\" ]{_VERSION}", "__version__"),
    Lazy(rf"load_entry_point\('torch=={_VERSION}'", "load_entry_point"),
    Lazy(rf"(?:^|[\s,(\[/'\"])(?:py)?torch[-: ]{{1,2}}v?{_VERSION}", "torch"),
    Lazy(rf"(?:^|[\s,(\[/'\"])torch=={_VERSION}", "torch=="),
    Lazy(rf"PyTorch v?{_VERSION}", "PyTorch"),
    Lazy(r"(?<![\w.])(\d\.\d{1,2}\.\d{1,2}\+(?:cu\d{2,3}|cpu|rocm[\d.]{1,8}|xpu))\b", "+"),
)
_WISHED = re.compile(
    r"(?:requirement|install|Collecting|requires|built (?:for|with)|needs|require|satisfies|matching "
    r"distribution found for) [^\n]{0,60}$",
    re.IGNORECASE,
)
_BUILD_CUDA = Lazy(
    r"CUDA used to build PyTorch: (\d{1,2}\.\d{1,2})|torch\.version\.cuda.{0,12}?['\" ](\d{1,2}\.\d{1,2})"
    r"|pytorch:[\w.]{1,20}-cuda(\d{1,2}\.\d)|\+cu(\d{2})(\d)\b|PyTorch \d\S{0,20} with CUDA (\d{2})0?(\d)\b"
)
_NO_CUDA_BUILD = Lazy(
    r"Torch not compiled with CUDA enabled|CUDA used to build PyTorch: (?:None|Could not collect)"
    r"|libtorch_cpu\.so[^\n]{0,80}not compiled"
)
_ROCM_BUILD = Lazy(
    r"\+rocm\d|ROCM used to build PyTorch: \d|HIP runtime version: \d|HIP error|hipError[A-Z]|MIOpen Error",
    "rocm",
    "ROCM",
    "HIP",
    "hip",
    "MIOpen",
)
_DRIVER = Lazy(
    r"[Dd]river [Vv]ersion\s{0,40}: ?(\d{3}\.\d{1,3}(?:\.\d{1,3})?)|Kernel "
    r"Module\s{1,4}(\d{3}\.\d{1,3}(?:\.\d{1,3})?)|NVIDIA-SMI (\d{3}\.\d{1,3}(?:\.\d{1,3})?)",
    "river",
    "Kernel Module",
    "NVIDIA-SMI",
)
_NAME = (
    r"((?:NVIDIA |AMD |Intel ?(?:\(R\))? )?(?:Tesla|GeForce|Quadro|RTX|GTX|TITAN|Titan|Radeon|Instinct|Arc"
    r"|Data Center GPU|GH200|GB\d00|[ABHLTVP]\d{2,3}0?S?\b)[\w ()-]{0,40}?)"
)
_GPU = (
    Lazy(rf"GPU ?\d{{1,2}}:? {_NAME}(?: \(UUID|\s{{2}}| which is of| with|\s*$|\n|\)|,| GPU)", "GPU"),
    Lazy(rf"\|\s{{1,4}}\d{{1,3}}\s{{1,4}}{_NAME}\s{{1,8}}(?:On|Off|\.\.\.|WDDM|TCC)", "|"),
    Lazy(rf"{_NAME} with CUDA capability", "with CUDA capability"),
    Lazy(
        r"((?:NVIDIA |AMD )(?:GeForce |RTX |Tesla |Quadro |Radeon |Instinct |TITAN )?[\w-]{1,24}(?: "
        r"[\w-]{1,10}){0,2}?)(?=[,.;:)\]'\"]|\s{2}|\s(?:with|GPU|graphics|On|Off)\b|$)",
        "NVIDIA ",
        "AMD ",
    ),
    Lazy(r"\b(Apple M\d(?: (?:Pro|Max|Ultra))?)\b", "Apple M"),
)
_NO_NAME = re.compile(
    r"(?i)driver|CUDA|\bNCCL|apex|container|docker|corporation|smi|runtime|collective|binaries|libraries|system"
    r"|tensor|hardware|GPUs?\b|HIP|ROCm"
)
_CAPABILITY = Lazy(
    r"CUDA capability sm_(\d{1,2})(\d)\b|cuda capability (\d{1,2})\.(\d)\b|[Cc]ompute "
    r"[Cc]apability[: =(]{1,4}(\d{1,2})[., ]{1,2}(\d)\b",
    "apability",
)
_WORLD = (
    Lazy(r"(?i)\bworld[ _-]?size(?: is|['\"]?\s?[=:]| of)?\s{0,2}(\d{1,6})\b(?!\s?!=)"),
    Lazy(
        r"\bnranks[ =](\d{1,6})\b|\bMEMBER: \d{1,6}/(\d{1,6})\b|\bmember: \d{1,6}/(\d{1,6})\b|Starting with "
        r"(\d{1,6}) processes",
        "nranks",
        "MEMBER",
        "member",
        "Starting with",
    ),
    Lazy(r"\brank:? \d{1,6}/(\d{1,6})\b", "rank"),
    Lazy(r"num_processes[:= ]{1,3}(\d{1,6})\b", "num_processes"),
)
_PER_NODE = Lazy(r"nproc[-_]per[-_]node[= ]{1,2}(\d{1,4})\b", "per")
_NODES = Lazy(r"--?nnodes[= ]{1,2}(\d{1,5})\b", "nnodes")
_TRANSFORMERS = Lazy(
    r"transformers(?:`|'|\")? ?(?:version)?[:= ]{1,3}(\d\.\d{1,3}\.\d{1,2})"
    r"|transformers==(\d\.\d{1,3}\.\d{1,2})|transformers-(\d\.\d{1,3}\.\d{1,2})",
    "transformers",
)
MAX_TEXT = 300_000


def _groups(found: re.Match[str]) -> list[str]:
    return [group for group in found.groups() if group]


def _only(values: Iterable[str]) -> Optional[str]:
    """The value that all agree on, None where there is none or they differ."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _system(paths: str, text: str) -> Optional[str]:
    """The system that the frames' paths prove; where there are none, the one that the wording proves."""
    for source in (paths, text):
        votes = [name for name, sign in (("windows", _WINDOWS), ("macos", _MACOS), ("linux", _LINUX)) if source and sign.search(source)]
        if len(votes) == 1:
            return votes[0]
        if len(votes) > 1:
            if source is paths:
                return None
            counts = {
                name: len(sign.compiled.findall(source)) for name, sign in (("windows", _WINDOWS), ("macos", _MACOS), ("linux", _LINUX))
            }
            best, second = sorted(counts.values(), reverse=True)[:2]
            return max(counts, key=lambda name: counts[name]) if best > 3 * second else None
    return None


def _python(paths: str, text: str) -> Optional[str]:
    said = {next(iter(_groups(found))) for found in _PYTHON_SAID.compiled.finditer(text)} if _PYTHON_SAID.possible(text) else set()
    if len(said) == 1:
        return said.pop()
    for source in (paths, text):
        found = Counter(
            groups[0] if "." in groups[0] else ".".join(groups) for groups in map(_groups, _PYTHON_PATH.compiled.finditer(source)) if groups
        )
        if found:
            most = found.most_common(2)
            return most[0][0] if len(most) == 1 or most[0][1] > 2 * most[1][1] or most[1][0] in most[0][0] else None
    return None


def _torch(text: str) -> Optional[str]:
    for pattern in _TORCH:
        if not pattern.possible(text):
            continue
        versions = [
            found[1]
            for found in pattern.compiled.finditer(text)
            if (found[0].startswith("you have") or not _WISHED.search(text[max(0, found.start() - 80) : found.start() + 1]))
            and "ython" not in text[max(0, found.start() - 20) : found.start()]
        ]
        versions = [version for version in versions if 0 < int(version[0]) < 4 or version.startswith("0.4")]
        if versions:
            full = _only(versions)
            return full or _only({version.split("+")[0] for version in versions})
    return None


def _build(text: str, torch: Optional[str], system: Optional[str]) -> Optional[str]:
    local = (torch or "").partition("+")[2]
    for start, name in (("cu", "cuda"), ("rocm", "rocm"), ("xpu", "xpu"), ("cpu", "cpu")):
        if local.startswith(start):
            return name
    if system == "macos":
        return "macos"
    if _NO_CUDA_BUILD.search(text):
        return "cpu"
    if _ROCM_BUILD.search(text):
        return "rocm"
    return "cuda" if re.search(r"CUDA used to build PyTorch: \d", text) else None


def _cuda(text: str, torch: Optional[str]) -> Optional[str]:
    tag = re.search(r"\+cu(\d{2})(\d)$", torch or "")
    if tag:
        return f"{tag[1]}.{tag[2]}"
    if (torch and "+" in torch) or not _BUILD_CUDA.possible(text):
        return None
    values = []
    for groups in map(_groups, _BUILD_CUDA.compiled.finditer(text)):
        values.append(groups[0] if "." in groups[0] else ".".join(groups))
    return _only(values)


def _gpu(text: str) -> Optional[str]:
    for pattern in _GPU:
        found = (match[1].strip(" -") for match in pattern.compiled.finditer(text)) if pattern.possible(text) else ()
        names = [name for name in found if len(name) > 3 and not _NO_NAME.search(name)]
        if names:
            return Counter(names).most_common(1)[0][0]
    return None


def _world(text: str) -> Optional[int]:
    for pattern in _WORLD:
        if pattern.possible(text):
            sizes = _only(_groups(found)[0] for found in pattern.compiled.finditer(text))
            if sizes and 0 < int(sizes) < 1_000_000:
                return int(sizes)
    per_node = _PER_NODE.search(text)
    if per_node:
        nodes = _NODES.search(text)
        return int(per_node[1]) * (int(nodes[1]) if nodes else 1)
    return None


def _first(pattern: Lazy, text: str) -> Optional[str]:
    found = pattern.search(text)
    return _groups(found)[0] if found else None


def _installer(text: str) -> Optional[str]:
    for name, sign in (("conda", _CONDA), ("poetry", _POETRY), ("uv", _UV), ("pip", _PIP)):
        if sign.search(text):
            return name
    return None


def _arch(text: str) -> Optional[str]:
    names = {"amd64": "x86_64", "AMD64": "x86_64"}
    found = {names.get(name, name) for match in _ARCH.compiled.finditer(text) for name in _groups(match)}
    return _only(found)


def _capability(text: str) -> Optional[str]:
    if not _CAPABILITY.possible(text):
        return None
    return _only(".".join(_groups(found)) for found in _CAPABILITY.compiled.finditer(text))


def _bounded(text: str) -> str:
    """The beginning and the end of a long text: banners stand above, the failure below."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT * 2 // 3]}\n{text[-MAX_TEXT // 3 :]}"


def facts_of(log: Log) -> Situation:
    """What the text of a log tells; every known field has the source "text"."""
    text = _bounded("\n".join(stream.text for stream in log.streams))
    paths = "\n".join(frame.path for stream in log.streams for event in stream.events for frame in event.frames)[:MAX_TEXT]
    system, torch = _system(paths, text), _torch(text)
    ranks = {line.rank for stream in log.streams for line in stream.lines if line.rank is not None}
    ranks |= {event.rank for stream in log.streams for event in stream.events if event.rank is not None}
    wsl = True if system in (None, "linux") and _WSL.search(text) else None
    facts: dict[str, Any] = {
        "os": "linux" if wsl else system,
        "wsl": wsl,
        "arch": _arch(text),
        "container": True if _CONTAINER.search(text) else None,
        "notebook": True if _NOTEBOOK.search(text) else None,
        "slurm": True if _SLURM.search(text) else None,
        "python": _python(paths, text),
        "torch": torch,
        "torch_build": _build(text, torch, system),
        "cuda": _cuda(text, torch),
        "driver": _first(_DRIVER, text),
        "gpu": _gpu(text),
        "capability": _capability(text),
        "world_size": _world(text),
        "ranks_seen": len(ranks) or None,
        "installer": _installer(text),
        "transformers": _first(_TRANSFORMERS, text),
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return Situation(**known, sources=dict.fromkeys(known, "text"))
