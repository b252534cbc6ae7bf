"""Each NVIDIA GPU on the PCI bus is bound to the nvidia kernel driver.

Why: nouveau, the free driver that many distributions load by default, keeps the GPU from NVIDIA's; vfio-pci hands it to a virtual machine; no driver at
all means that the module was not built, not signed, or is blacklisted.
Seen as: nvidia-smi finds no device, "NVRM: The NVIDIA probe routine was not called", torch.cuda.is_available() is False.
Source: NVIDIA/DCGM, software check with nouveau on its denylist.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, info, ok, skip
from torchdoctor.facts import Bus, Host

NOUVEAU = Fix(
    "Keep nouveau from loading, rebuild the boot image and reboot.",
    (
        "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-nouveau.conf",
        "sudo update-initramfs -u",
        "sudo reboot",
    ),
    who="admin",
    risk="disruptive",
)
MODULE = Fix(
    "Load the NVIDIA module; where that fails, the kernel log says why (not built for this kernel, not signed for Secure Boot, card not supported).",
    ("sudo modprobe nvidia", "sudo dmesg | grep -i nvrm"),
    who="admin",
)


@check("TD703", group="driver")
def gpu_kernel_driver(bus: Bus, host: Host) -> Findings:
    cards = bus.of("nvidia")
    if not bus.known or not cards:
        yield skip("no NVIDIA GPU on the PCI bus" if bus.known else f"the PCI bus cannot be read on {host.system}")
        return
    for card in cards:
        seen = [(f"/sys/bus/pci/devices/{card.slot}/driver", card.driver or "none")]
        subject = f"pci:{card.slot}"
        if card.driver == "nouveau":
            yield fail("nouveau holds the GPU: NVIDIA's driver cannot use it", seen, [NOUVEAU], "nvidia-smi-cannot-communicate", subject)
        elif card.driver == "vfio-pci":
            yield info("this GPU is given to a virtual machine (vfio-pci)", seen, subject=subject)
        elif card.driver is None and not host.container:
            yield fail("no kernel driver is bound to this GPU", seen, [MODULE], "nvidia-smi-cannot-communicate", subject)
        elif card.driver is None:
            yield info("no driver is seen for this GPU from inside the container", seen, subject=subject)
    yield ok(f"{sum(card.driver == 'nvidia' for card in cards)} of {len(cards)} NVIDIA GPUs are bound to nvidia")
