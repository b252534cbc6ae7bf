"""AMD GPUs have no uncorrected errors and are below their own critical temperature.

Why: the driver counts the errors of each block of the GPU and knows the limit of each of its sensors; both can be read by everyone.
Seen as: "amdgpu: uncorrectable hardware errors detected", a GPU that resets under load.
Source: Linux kernel, amdgpu documentation on RAS and on hwmon. The limits are the card's own; uncorrected errors: 0, as for NVIDIA's.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Findings, Fix, check, fail, ok, skip
from torchdoctor.facts import SysfsGpus
from torchdoctor.gpus import plural
from torchdoctor.remedy import Rung

COOL = Fix("Look after the cooling: fans, filters, airflow, temperature of the incoming air.", ("rocm-smi --showtemp",), who="admin")


@check("TD821", group="health")
def amd_gpu_health(sysfs: SysfsGpus) -> Findings:
    judged = [gpu for gpu in sysfs.of("amd") if gpu.uncorrected_errors is not None or gpu.temperature_limit is not None]
    if not judged:
        yield skip("no AMD GPU here tells its errors or its temperature")
        return
    for gpu in judged:
        subject = f"pci:{gpu.slot}"
        if gpu.uncorrected_errors:
            reset = remedy.fix(Rung.REBOOT, ", and have the card inspected where the errors come back.")
            title = f"{plural(gpu.uncorrected_errors, 'uncorrected error')} since the driver was loaded"
            yield fail(
                title,
                [("/sys/class/drm/card*/device/ras", f"ue {gpu.uncorrected_errors}, ce {gpu.corrected_errors}")],
                [reset],
                "gpu-hardware-suspect",
                subject,
            )
        if gpu.temperature is not None and gpu.temperature_limit is not None and gpu.temperature >= gpu.temperature_limit:
            seen = [("/sys/class/drm/card*/device/hwmon", f"{gpu.temperature:g} C, critical {gpu.temperature_limit:g} C")]
            yield fail(f"{gpu.temperature:g} C, at its critical temperature", seen, [COOL], "gpu-throttled-thermal", subject)
    yield ok(f"{plural(len(judged), 'AMD GPU')} without uncorrected errors")
