"""What the installed torch is: read in a process that touches no device."""

from __future__ import annotations

from typing import Any, Optional

from torchdoctor.declare import probe
from torchdoctor.facts import TorchBuild


def _attribute(root: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path, called if it can be, or the default where this torch lacks any part of it."""
    try:
        for name in path.split("."):
            root = getattr(root, name)
        return root() if callable(root) else root
    except (AttributeError, RuntimeError, ImportError, AssertionError):
        return default


def _version(value: Any) -> Optional[str]:
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    return None if value is None else str(value)


def kind_of_build(cuda: Optional[str], hip: Optional[str], xpu: Optional[str], mps_built: bool) -> str:
    """Which of PyTorch's builds this is."""
    if hip:
        return "rocm"
    if cuda:
        return "cuda"
    if xpu:
        return "xpu"
    return "macos" if mps_built else "cpu"


@probe(lane="torch", timeout=30)
def torch_build() -> TorchBuild:
    """Version, build, architectures and the defaults that surprise."""
    import torch

    cuda, hip, xpu = (_attribute(torch, f"version.{name}") for name in ("cuda", "hip", "xpu"))
    mps_built = bool(_attribute(torch, "backends.mps.is_built", False))
    flags = _attribute(torch, "_C._cuda_getArchFlags", "") or ""
    extra = _attribute(torch, "_C._get_privateuse1_backend_name")
    default_device = _attribute(torch, "get_default_device", "cpu")
    return TorchBuild(
        version=str(torch.__version__),
        build=kind_of_build(cuda, hip, xpu, mps_built),
        cuda=cuda,
        hip=hip,
        xpu=xpu,
        git=_attribute(torch, "version.git_version"),
        debug=bool(_attribute(torch, "version.debug", False)),
        arch_list=tuple(flags.split()),
        cudnn=_version(_attribute(torch, "_C._cudnn.getCompileVersion")),
        nccl=_version(_attribute(torch, "cuda.nccl.version")) if cuda or hip else None,
        mps_built=mps_built,
        extra_backend=None if extra in (None, "privateuseone") else str(extra),
        threads=torch.get_num_threads(),
        default_dtype=str(torch.get_default_dtype()).replace("torch.", ""),
        default_device=str(default_device),
        deterministic=bool(_attribute(torch, "are_deterministic_algorithms_enabled", False)),
        grad_enabled=torch.is_grad_enabled(),
        float32_matmul_precision=_attribute(torch, "get_float32_matmul_precision"),
    )
