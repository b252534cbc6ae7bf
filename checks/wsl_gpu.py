"""Windows Subsystem for Linux: the GPU goes through Windows' driver.

Why: under WSL 2 the driver is the one of Windows, and its libraries lie in /usr/lib/wsl/lib. A Linux driver installed inside hides them; WSL 1 has no GPU at all.
Seen as: "Found no NVIDIA driver on your system" in WSL, "libcuda.so.1: cannot open shared object file".
Source: NVIDIA, CUDA on WSL user guide.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, Status, check, fail, info, ok, skip
from torchdoctor.facts import Bus, Host, NvidiaDriver, NvidiaFiles

OWN = "/usr/lib/wsl/lib"


@check("TD707", group="driver", crash=Status.SKIP)
def wsl_gpu(host: Host, bus: Bus, files: NvidiaFiles, driver: NvidiaDriver) -> Findings:
    if host.wsl is None:
        yield skip("not under WSL")
        return
    seen = [("wsl", str(host.wsl)), ("/dev/dxg", "exists" if bus.dxg else "is missing"), *files.libraries.items()]
    foreign = {path: version for path, version in files.libraries.items() if not path.startswith(OWN) and version != "unknown"}
    if host.wsl == 1:
        yield info(
            "WSL 1 has no access to GPUs",
            seen,
            [Fix("Convert the distribution to WSL 2, in PowerShell.", ("wsl --set-version DISTRIBUTION 2",), risk="restart")],
        )
    elif not bus.dxg:
        fix = Fix(
            "Update WSL and Windows' display driver, then restart WSL, in PowerShell.", ("wsl --update", "wsl --shutdown"), risk="restart"
        )
        yield info("WSL has no GPU device: training runs on the CPU", seen, [fix])
    elif foreign and driver.error:
        fix = Fix(
            "Remove the Linux driver inside WSL: the one of Windows is used.",
            ("sudo apt purge 'nvidia-driver-*' 'libnvidia-*'", "sudo ldconfig"),
            who="admin",
        )
        yield fail("a Linux NVIDIA driver is installed inside WSL and hides the one of Windows", seen, [fix], "wsl-libcuda")
    elif driver.error and not any(path.startswith(OWN) for path in files.libraries):
        fix = Fix("Install NVIDIA's display driver on Windows, then restart WSL in PowerShell.", ("wsl --shutdown",), risk="restart")
        yield info(f"no NVIDIA driver of Windows in {OWN}", seen, [fix])
    else:
        yield ok("the GPU goes through Windows' driver", seen)
