"""Which of several builds to prefer, and the words that say why: the reasons, what the newest would need, what to know."""

from __future__ import annotations

from collections.abc import Iterable

from torchdoctor.wheels import commands, table
from torchdoctor.wheels.impossible import platform_words
from torchdoctor.wheels.machine import Gpu, Machine, counted
from torchdoctor.wheels.obstacles import driver_needed, obstacles
from torchdoctor.wheels.table import Wheel, number


def rank(wheel: Wheel, machine: Machine) -> tuple[object, ...]:
    """Known for sure first, then the newest torch; of one torch: PyPI's own, stable, a CUDA that the driver has in full, the newest such."""
    full = wheel.backend != "cuda" or machine.driver_cuda is None or number(wheel.toolkit) <= number(machine.driver_cuda)
    toolkit = number(wheel.toolkit)
    return (
        wheel.verified,
        number(wheel.torch),
        wheel.index.name == table.PYPI,
        not wheel.index.experimental,
        full,
        toolkit if full else tuple(-part for part in toolkit),
    )


def best(wheels: Iterable[Wheel], machine: Machine) -> Wheel:
    """The one of these builds to prefer on the machine."""
    return max(wheels, key=lambda wheel: rank(wheel, machine))


def why(wheel: Wheel, machine: Machine, left: tuple[Gpu, ...], asked: bool) -> tuple[str, ...]:
    """Why this build. ``left``: GPUs that it does not serve; ``asked``: it was asked for, so it need not be the newest."""
    lines = []
    served = tuple(gpu for gpu in machine.gpus if gpu not in left)
    if wheel.backend == "cuda" and served:
        has = f"It has code for {counted(served)}"
        if machine.driver or machine.driver_cuda:
            needs = driver_needed(wheel, machine)
            driver = f"driver {machine.driver}" if machine.driver else f"a driver for CUDA {machine.driver_cuda}"
            has += f", and {driver} runs CUDA {wheel.toolkit} (it needs {needs} or newer)"
        lines.append(has + ".")
    elif wheel.backend == "rocm" and served:
        lines.append(f"Its kernels are built for {counted(served)}.")
    elif wheel.backend == "cpu" and not machine.gpus:
        lines.append(
            "No GPU was found or named, so the CPU build, which is the smallest." if wheel.index.url else "No GPU was found or named."
        )
    elif wheel.backend == "mps":
        lines.append("PyPI's wheel for Apple silicon contains the GPU backend (MPS).")
    if wheel.index.name == table.PYPI:
        lines.append("It is what PyPI has; no other index is needed.")
    elif machine.system == "windows" and wheel.backend == "cuda":
        lines.append("On Windows PyPI has CPU builds only; builds for CUDA lie on PyTorch's own index.")
    elif wheel.backend == "cuda":
        lines.append(f"PyPI's own wheel of torch {wheel.torch} is another build; this one lies on PyTorch's index {wheel.index.name}.")
    if wheel.torch != table.newest_torch() and not asked:
        lines.append(f"It is the newest such build for Python {machine.python_tag}.")
    return tuple(lines)


def newest_needs(wheel: Wheel, machine: Machine) -> str:
    """What the newest torch would need here, where it is not the chosen one."""
    newest = table.newest_torch()
    if wheel.torch == newest:
        return ""
    here = [w for w in table.wheels() if w.torch == newest and w.platform == machine.platform and w.verified]
    rows = [w for w in here if w.backend == wheel.backend]
    if not rows:
        kind = {"cpu": "the CPU", "cuda": "CUDA", "rocm": "ROCm", "mps": "MPS"}[wheel.backend]
        return f"The table has no confirmed build of torch {newest} for {kind} on {platform_words(machine.platform)}."
    row = best(rows, machine)
    needs = obstacles(row, machine, machine.gpus)
    if not needs:
        return f"{row.words} would work here as well."
    return f"torch {newest} ({row.words.partition(' for ')[2]}) needs {'; '.join(need.needs for need in needs)}."


def notes_on(wheel: Wheel, machine: Machine, left: tuple[Gpu, ...]) -> tuple[str, ...]:
    """What to know about this build on this machine."""
    notes = []
    unclear = tuple(gpu for gpu in machine.gpus if not (gpu.capability or gpu.gfx))
    if unclear and wheel.backend in ("cuda", "rocm"):
        notes.append(f"The architecture of {counted(unclear)} is not known, so it played no part in the choice.")
    if any(gpu.vendor == "intel" for gpu in machine.gpus) and wheel.backend == "cpu":
        notes.append("There is an Intel GPU: PyTorch has XPU builds for some, and this table has none of them.")
    if left:
        notes.append(f"No published build serves all of these GPUs at once; {counted(left)} cannot be used with this one.")
    if not wheel.verified:
        notes.append(
            "This build is not confirmed in the table: whether it exists for this platform, or its GPU architectures, is not settled."
        )
    if wheel.backend == "cuda":
        if not machine.gpus:
            notes.append(
                f"No GPU was found or named; this build needs NVIDIA driver {driver_needed(wheel, machine)} or newer where it runs."
            )
        elif not machine.driver and not machine.driver_cuda:
            notes.append(f"The NVIDIA driver is not known: install {driver_needed(wheel, machine)} or newer first.")
        elif machine.driver_cuda and number(machine.driver_cuda) < number(wheel.toolkit):
            notes.append(
                f"The driver reports CUDA {machine.driver_cuda}, which runs CUDA {wheel.toolkit} by minor-version compatibility; "
                "only code that is compiled from PTX when it runs would need a newer driver."
            )
    if wheel.backend == "mps":
        notes += _mps_notes(wheel, machine)
    if machine.platform == "macos_x86_64":
        notes.append("PyTorch for Intel Macs ended with torch 2.2.2; it needs numpy older than 2, and uses the CPU only.")
    if wheel.backend == "cpu" and machine.of("amd") and machine.system == "windows":
        notes.append("PyTorch publishes no build for AMD GPUs on Windows in this table; WSL2 or Linux has ROCm builds.")
    if machine.installed and number(machine.installed.split("+")[0]) > number(table.newest_torch()):
        notes.append(
            f"torch {machine.installed}, which is installed here, is newer than this table ({table.table_date()}): "
            "what it needs is not known to it."
        )
    about = commands.note(machine, wheel.index)
    return (*notes, about) if about else tuple(notes)


def _mps_notes(wheel: Wheel, machine: Machine) -> list[str]:
    row = next((r for r in table.mps() if number(r.first) <= number(wheel.torch)[:2] <= number(r.last)), None)
    if row is None or not machine.os_version or number(machine.os_version) >= number(row.macos):
        return []
    sure = "" if row.verified else " (the exact release is not confirmed)"
    return [f"Its GPU backend needs macOS {row.macos}{sure}; on {machine.os_version} it runs on the CPU."]
