"""What a text says of the platform it comes from: system, architecture, Python, installer, container, Slurm."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Optional

from torchdoctor.diagnose.read.lazy import Lazy

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


def groups(found: re.Match[str]) -> list[str]:
    """The groups of a match that took part in it."""
    return [group for group in found.groups() if group]


def only(values: Iterable[str]) -> Optional[str]:
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
    said = {next(iter(groups(found))) for found in _PYTHON_SAID.compiled.finditer(text)} if _PYTHON_SAID.possible(text) else set()
    if len(said) == 1:
        return said.pop()
    for source in (paths, text):
        found = Counter(
            parts[0] if "." in parts[0] else ".".join(parts) for parts in map(groups, _PYTHON_PATH.compiled.finditer(source)) if parts
        )
        if found:
            most = found.most_common(2)
            return most[0][0] if len(most) == 1 or most[0][1] > 2 * most[1][1] or most[1][0] in most[0][0] else None
    return None


def _installer(text: str) -> Optional[str]:
    for name, sign in (("conda", _CONDA), ("poetry", _POETRY), ("uv", _UV), ("pip", _PIP)):
        if sign.search(text):
            return name
    return None


def _arch(text: str) -> Optional[str]:
    names = {"amd64": "x86_64", "AMD64": "x86_64"}
    found = {names.get(name, name) for match in _ARCH.compiled.finditer(text) for name in groups(match)}
    return only(found)


def _yes(sign: Lazy, text: str) -> Optional[bool]:
    return True if sign.search(text) else None


def platform_of(paths: str, text: str) -> dict[str, Any]:
    """The fields of a `Situation` that concern the platform, from the paths of all frames and from the text; None: not told."""
    system = _system(paths, text)
    wsl = _yes(_WSL, text) if system in (None, "linux") else None
    return {
        "os": "linux" if wsl else system,
        "wsl": wsl,
        "arch": _arch(text),
        "container": _yes(_CONTAINER, text),
        "notebook": _yes(_NOTEBOOK, text),
        "slurm": _yes(_SLURM, text),
        "python": _python(paths, text),
        "installer": _installer(text),
    }
