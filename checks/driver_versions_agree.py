"""The driver's user-space libraries and its kernel module have one version.

Why: a driver is a kernel module and libraries that must match to the last digit. An update replaces the files at once, the loaded module only at the
next boot; an image that brings its own libcuda, or a failed mount that leaves an empty file, does the same inside a container.
Seen as: "Driver/library version mismatch", CUDA error 803, "system has unsupported display driver / cuda driver combination".
Source: imbue-ai/cluster-health and sichek compare the same two places.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Findings, Fix, Status, check, fail, ok, skip, warn
from torchdoctor.facts import Host, NvidiaDriver, NvidiaFiles
from torchdoctor.remedy import Rung

REMOVE = Fix("Remove the driver's libraries from the image: the container runtime mounts those of the machine.", risk="restart")


@check("TD702", group="driver", crash=Status.SKIP)
def driver_versions_agree(driver: NvidiaDriver, files: NvidiaFiles, host: Host) -> Findings:
    module = driver.kernel_module
    empty = [path for path, version in files.libraries.items() if version == ""]
    if empty:
        yield fail(
            "a driver library is an empty file: mounting it into the container failed", [(path, "0 bytes") for path in empty], [REMOVE]
        )
    if not module or host.wsl:
        yield skip("no NVIDIA kernel module to compare with")
        return
    seen = [("/proc/driver/nvidia/version", module)]
    other = {path: version for path, version in files.libraries.items() if version not in ("", "unknown", module)}
    if driver.version and driver.version != module:
        fix = REMOVE if host.container else remedy.fix(Rung.REBOOT, ", so that the kernel loads the module of the new version.")
        title = f"the library is of driver {driver.version}, the loaded kernel module of {module}"
        yield fail(title, [*seen, ("nvml", driver.version)], [fix], "nvml-driver-library-mismatch")
    elif other and driver.version:
        fix = Fix(
            "Remove the libraries of the other version, or put them behind in the linker's search order.",
            ("ldconfig -p | grep -E 'libcuda|nvidia-ml'",),
            who="admin",
        )
        yield warn("libraries of another driver version lie beside the right ones", [*seen, *other.items()], [fix], "cuda-init-error-803")
    elif driver.version:
        yield ok(f"library and kernel module are both {module}")
    else:
        yield skip("the library did not tell its version")
