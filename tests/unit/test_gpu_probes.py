"""What the probes of the NVIDIA driver read from files: the kernel log, device files, libraries, switches."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from torchdoctor.facts import KernelLine
from torchdoctor.probes import kernel_log as kernel
from torchdoctor.probes import nvidia_files
from torchdoctor.probes.nvml import bus_id_of, hides_processes

XID = "NVRM: Xid (PCI:0000:18:00): 79, pid=1, name=python, GPU has fallen off the bus."


def test_a_kmsg_record_gives_text_and_age():
    line = kernel.kmsg_line(f"4,1234,5000000,-;{XID}\n SUBSYSTEM=pci\n", uptime=65.0)
    assert line == KernelLine(XID, 60.0)


def test_a_kmsg_record_of_another_form_keeps_its_text():
    assert kernel.kmsg_line(f"weird;{XID}", None) == KernelLine(XID, None)


def test_a_journal_line_gives_text_and_age():
    assert kernel.journal_line(f"1000.5 node1 kernel: {XID}", now=1060.5) == KernelLine(XID, 60.0)
    assert kernel.journal_line("no time at all", 5.0) == KernelLine("no time at all")


def test_only_lines_about_gpus_are_kept_and_the_middle_of_very_many_is_counted():
    lines = [KernelLine("usb 1-1: new device"), *(KernelLine(f"NVRM: Xid {n}") for n in range(1000))]
    kept, dropped = kernel.keep(lines)
    assert len(kept) == 2 * kernel.KEEP
    assert dropped == 1000 - 2 * kernel.KEEP
    assert kept[0].text == "NVRM: Xid 0"
    assert kept[-1].text == "NVRM: Xid 999"


def test_a_forbidden_log_falls_back_to_the_journal(tmp_path, monkeypatch):
    journal = tmp_path / "journalctl"
    journal.write_text(f"#!/bin/sh\necho '1.0 node kernel: {XID}'\n")
    journal.chmod(0o755)

    def forbidden(path: str) -> list[KernelLine]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(kernel, "read_kmsg", forbidden)
    log = kernel.kernel_log(str(tmp_path / "kmsg"), str(journal))
    assert log.source == str(journal)
    assert [line.text for line in log.lines] == [XID]


def test_where_nothing_may_be_read_the_reasons_are_told(tmp_path, monkeypatch):
    silent = tmp_path / "journalctl"
    silent.write_text("#!/bin/sh\nexit 0\n")
    silent.chmod(0o755)

    def forbidden(path: str) -> list[KernelLine]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(kernel, "read_kmsg", forbidden)
    log = kernel.kernel_log("/dev/kmsg", str(silent))
    assert log.source is None
    assert "Operation not permitted" in (log.why_not or "")
    assert "shows nothing to this user" in (log.why_not or "")
    assert kernel.kernel_log(str(tmp_path / "none"), str(tmp_path / "absent")).why_not


def test_a_journal_that_hangs_is_given_up(monkeypatch):
    def hang(*_arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("journalctl", float(str(options["timeout"])))

    def absent(path: str) -> list[KernelLine]:
        raise FileNotFoundError(path)

    monkeypatch.setattr(kernel, "read_kmsg", absent)
    monkeypatch.setattr(kernel.subprocess, "run", hang)
    assert "timed out" in (kernel.kernel_log().why_not or "")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small root folder as on a machine with two GPUs and one switch."""
    for slot, class_, vendor in (
        ("0000:18:00.0", "0x030200", "0x10de"),
        ("0000:06:00.0", "0x068000", "0x10de"),
        ("0000:00:1f.0", "0x068000", "0x8086"),
    ):
        folder = tmp_path / "sys/bus/pci/devices" / slot
        folder.mkdir(parents=True)
        (folder / "class").write_text(class_ + "\n")
        (folder / "vendor").write_text(vendor + "\n")
    libraries = tmp_path / "usr/lib64"
    libraries.mkdir(parents=True)
    (libraries / "libcuda.so.570.124.06").write_text("elf")
    (libraries / "libcuda.so.1").symlink_to("libcuda.so.570.124.06")
    (libraries / "libnvidia-ml.so.1").write_text("")
    (tmp_path / "proc/driver/nvidia/gpus/0000:18:00.0").mkdir(parents=True)
    (tmp_path / "proc/modules").write_text("nvidia_uvm 1 0 - Live 0x0\nnvidia 2 1 - Live 0x0\nnvidia_fs_other 1 0 - Live 0x0\n")
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / "dev" / name).write_text("")
    return tmp_path


def test_the_files_of_a_driver_are_found(root):
    files = nvidia_files.nvidia_files(root, {"NVIDIA_DRIVER_CAPABILITIES": "utility"})
    assert files.switches == 1
    assert files.modules == ("nvidia", "nvidia_uvm")
    assert files.proc_gpus == ("0000:18:00.0",)
    assert {Path(path).name: version for path, version in files.libraries.items()} == {
        "libcuda.so.1": "570.124.06",
        "libnvidia-ml.so.1": "",
    }
    assert [Path(node.path).name for node in files.nodes] == ["nvidia-uvm", "nvidia0", "nvidiactl"]
    assert all(node.usable for node in files.nodes)
    assert files.capabilities == "utility"
    assert files.mps_pipe is None


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may open everything")
def test_a_node_that_may_not_be_opened_says_why(root):
    (root / "dev/nvidiactl").chmod(0)
    node = next(n for n in nvidia_files.nodes(root) if n.path.endswith("nvidiactl"))
    assert node.usable is False
    assert node.error == "Permission denied"


def test_the_pipe_of_the_multi_process_service_is_found(root):
    (root / "tmp/mps").mkdir(parents=True)
    (root / "tmp/mps/control").write_text("")
    assert nvidia_files.nvidia_files(root, {"CUDA_MPS_PIPE_DIRECTORY": "/tmp/mps"}).mps_pipe == "/tmp/mps"


def test_bus_ids_are_written_as_in_sys():
    assert bus_id_of("00000000:0A:00.0") == "0000:0a:00.0"
    assert bus_id_of("00010000:18:00.0") == "0000:18:00.0"


def test_processes_are_hidden_where_the_namespace_cannot_be_seen(tmp_path):
    assert hides_processes(str(tmp_path / "no such file"))
    (tmp_path / "pid").write_text("")
    assert hides_processes(str(tmp_path / "pid"))
