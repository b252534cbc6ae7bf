"""What a text says of the machine it comes from: system, versions, GPUs, size of the job.

Only what is stated or what a path proves; a text that contradicts itself (two systems, two versions) leaves the field unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Optional

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.situation import Situation
from torchdoctor.diagnose.textplatform import groups, only, platform_of

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
            full = only(versions)
            return full or only({version.split("+")[0] for version in versions})
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
    for parts in map(groups, _BUILD_CUDA.compiled.finditer(text)):
        values.append(parts[0] if "." in parts[0] else ".".join(parts))
    return only(values)


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
            sizes = only(groups(found)[0] for found in pattern.compiled.finditer(text))
            if sizes and 0 < int(sizes) < 1_000_000:
                return int(sizes)
    per_node = _PER_NODE.search(text)
    if per_node:
        nodes = _NODES.search(text)
        return int(per_node[1]) * (int(nodes[1]) if nodes else 1)
    return None


def _first(pattern: Lazy, text: str) -> Optional[str]:
    found = pattern.search(text)
    return groups(found)[0] if found else None


def _capability(text: str) -> Optional[str]:
    if not _CAPABILITY.possible(text):
        return None
    return only(".".join(groups(found)) for found in _CAPABILITY.compiled.finditer(text))


def _bounded(text: str) -> str:
    """The beginning and the end of a long text: banners stand above, the failure below."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT * 2 // 3]}\n{text[-MAX_TEXT // 3 :]}"


def facts_of(log: Log) -> Situation:
    """What the text of a log tells; every known field has the source "text"."""
    text = _bounded("\n".join(stream.text for stream in log.streams))
    paths = "\n".join(frame.path for stream in log.streams for event in stream.events for frame in event.frames)[:MAX_TEXT]
    platform, torch = platform_of(paths, text), _torch(text)
    ranks = {line.rank for stream in log.streams for line in stream.lines if line.rank is not None}
    ranks |= {event.rank for stream in log.streams for event in stream.events if event.rank is not None}
    facts: dict[str, Any] = {
        **platform,
        "torch": torch,
        "torch_build": _build(text, torch, platform["os"]),
        "cuda": _cuda(text, torch),
        "driver": _first(_DRIVER, text),
        "gpu": _gpu(text),
        "capability": _capability(text),
        "world_size": _world(text),
        "ranks_seen": len(ranks) or None,
        "transformers": _first(_TRANSFORMERS, text),
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return Situation(**known, sources=dict.fromkeys(known, "text"))
