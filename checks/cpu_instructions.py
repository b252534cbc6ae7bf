"""The processor has the vector instructions that PyTorch's CPU kernels are compiled for.

Why: on x86-64, libraries in PyTorch's wheels and around it use AVX and AVX2. A virtual machine with a generic CPU model hides them.
Seen as: "Illegal instruction (core dumped)", exit code -4; or everything on the CPU is several times slower.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import Host


@check("TD110", group="host")
def cpu_instructions(host: Host) -> Findings:
    if host.arch not in ("x86_64", "AMD64") or (not host.cpu_flags and host.system != "linux"):
        yield skip(f"nothing to judge for {host.arch} on {host.system}")
        return
    missing = [flag for flag in ("avx", "avx2") if flag not in host.cpu_flags]
    if missing:
        yield warn(
            f"this processor, or the virtual machine, does not offer {' and '.join(missing)}",
            [("/proc/cpuinfo", f"{host.cpu}: {' '.join(host.cpu_flags) or 'none of the vector extensions'}")],
            [
                Fix(
                    "In a virtual machine choose the CPU model of the host (for QEMU and libvirt: host-passthrough).",
                    who="admin",
                    risk="restart",
                )
            ],
            cause="cpu-missing-avx",
        )
    else:
        yield ok(f"{host.cpu} with {', '.join(host.cpu_flags)}")
