"""``torchdoctor install-command``: this machine or a described one, text and JSON, errors that help."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from torchdoctor.cli import main, this_machine
from torchdoctor.facts import Bus, Host, NvidiaDriver, NvidiaGpu, Package, Packages, PciDevice, PythonEnv
from torchdoctor.wheels import table
from torchdoctor.wheels.choose import Choice, choose


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["install-command", *arguments])


A100 = ("--driver", "535.104", "--gpu", "A100", "--system", "linux", "--arch", "x86_64", "--python", "3.12")


def test_a_described_machine_gets_its_command_first() -> None:
    result = ask(*A100, "--installer", "uv")
    assert result.exit_code == 0, result.output
    line = "uv pip install torch==2.14.1 torchvision==0.29.1 --index-url https://download.pytorch.org/whl/cu126"
    assert line in [text.strip() for text in result.output.splitlines()]
    assert "driver 535.104 runs CUDA 12.6" in " ".join(result.output.split())
    assert "torch 2.15.0 (CUDA 13.2) needs NVIDIA driver 580 or newer" in " ".join(result.output.split())
    assert table.table_date() in result.output


def test_what_was_assumed_is_said() -> None:
    assert "Assumed" in ask("--gpu", "T4", "--driver", "580.95.05").output
    assert "Assumed" not in ask(*A100).output


def test_json_stands_alone_and_has_everything() -> None:
    result = ask(*A100, "--format", "json", "--gpu", "2xT4")
    data: dict[str, Any] = json.loads(result.output)
    assert data["exit_code"] == result.exit_code == 0
    assert [gpu["architecture"] for gpu in data["machine"]["gpus"]] == ["8.0", "7.5", "7.5"]
    assert data["choice"]["commands"] == [f"pip install torch==2.14.1 torchvision==0.29.1 --index-url {data['choice']['index_url']}"]
    assert data["choice"]["needs"]["driver_linux"] == "525.60.13"
    assert data["choice"]["newest"]
    assert data["impossible"] is None
    assert data["table"]["newest_torch"] == table.newest_torch()


def test_nothing_works_is_exit_code_1_with_what_to_do() -> None:
    result = ask("--libc", "musl", "--python", "3.12", "--format", "json")
    data = json.loads(result.output)
    assert result.exit_code == data["exit_code"] == 1
    assert data["choice"] is None
    assert "musl" in data["impossible"]["reason"]
    assert data["impossible"]["do"]


def test_the_reverse_question() -> None:
    result = ask(*A100, "--torch", "2.6", "--cuda", "12.4")
    words = " ".join(result.output.split())
    assert "NVIDIA driver 525.60.13 or newer" in words
    assert "compute capability 5.0, 5.2, 6.0, 6.1, 7.0, 7.5, 8.0, 8.6, 8.9, 9.0" in words
    assert "Python 3.9, 3.10, 3.11, 3.12, 3.13" in words
    assert "pip install torch==2.6.0 torchvision==0.21.0 torchaudio==2.6.0" in words
    asked = json.loads(ask(*A100, "--torch", "2.6", "--cuda", "12.4", "--format", "json").output)["asked"]
    assert [(needs["torch"], needs["toolkit"]) for needs in asked] == [("2.6.0", "12.4")]


def test_another_python_than_the_one_here_is_said() -> None:
    other = "3.12" if sys.version_info[:2] != (3, 12) else "3.13"
    result = ask("--python", other)
    assert f"For Python {other}" in result.output
    assert " pip install " in f" {result.output}"


def test_only_torch() -> None:
    assert "torchvision==" not in ask(*A100, "--only-torch").output.split("Needs")[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--torch", "2.66"], ["unknown torch version '2.66'", "did you mean 2.6.0"]),
        (["--cuda", "cu1260"], ["unknown build 'cu1260'", "did you mean cu126"]),
        (["--torch", "2.15", "--cuda", "11.8"], ["build of torch 2.15"]),
        (["--system", "linus"], ["unknown system 'linus'", "did you mean linux"]),
        (["--installer", "pips"], ["unknown installer 'pips'", "did you mean pip"]),
        (["--gpu", "GeForce RTX 4909"], ["is no GPU of the table", "did you mean geforce rtx 4090"]),
        (["--gpu", "A100", "--driver", "latest"], ["nvidia-smi"]),
        (["--gpu", "A100", "--python", "/usr/bin/python3"], ["give a version"]),
        (["--python", "/no/such/python"], ["no such interpreter"]),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_was_meant(arguments: list[str], words: list[str]) -> None:
    result = ask(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert all(word in result.stderr for word in words), result.stderr


def test_names_of_gpus_with_markup_or_escapes_are_only_text() -> None:
    result = ask("--gpu", "\x1b[31mevil [red]", "--driver", "580.95.05")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


def test_this_machine_is_read_without_importing_torch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')")
    code = (
        "import sys\nfrom torchdoctor.cli import main\n"
        "try:\n    main(['install-command', '--format', 'json'])\nexcept SystemExit as end:\n    assert end.code in (0, 1), end.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code] if sys.version_info >= (3, 11) else [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    data = json.loads(done.stdout)
    assert data["machine"]["python"].startswith("3.")
    assert data["choice"] or data["impossible"]


# ---------------------------------------------------------------------------------------------------
# from facts to a machine


def python_env(**changes: Any) -> PythonEnv:
    values: dict[str, Any] = {
        "executable": "/e/bin/python", "version": "3.12.4", "implementation": "CPython", "bits": 64, "arch": "x86_64", "kind": "venv",
        "prefix": "/e", "installer": "uv",
    }  # fmt: skip
    return PythonEnv(**{**values, **changes})


HOST = Host("linux", "Debian GNU/Linux 12", "6.1", "x86_64", "node", libc="glibc 2.36")


def test_a_node_with_gpus(tmp_path: Path) -> None:
    driver = NvidiaDriver(True, "535.104.05", "12.2", gpus=(NvidiaGpu(0, "NVIDIA A100-SXM4-80GB", capability="8.0"),) * 8)
    packages = Packages((Package("torch", "2.6.0+cu124", "/e"),))
    facts = {"Host": HOST, "PythonEnv": python_env(), "NvidiaDriver": driver, "Packages": packages}
    machine = this_machine.described(facts, "/e/bin/python", str(tmp_path))
    assert (machine.driver, machine.driver_cuda, len(machine.gpus)) == ("535.104.05", "12.2", 8)
    assert (machine.python, machine.installer, machine.installed, machine.glibc) == ("3.12", "uv", "2.6.0+cu124", "2.36")
    answer = choose(machine)
    assert isinstance(answer, Choice)
    assert shlex.split(answer.commands[0])[:5] == ["uv", "pip", "install", "--python", "/e/bin/python"]


def test_gpus_on_the_bus_without_a_driver(tmp_path: Path) -> None:
    bus = Bus(True, (PciDevice("0000:01:00.0", "nvidia", "0x2330"),))
    facts = {"Host": HOST, "PythonEnv": python_env(), "NvidiaDriver": NvidiaDriver(False, error="no library"), "Bus": bus}
    machine = this_machine.described(facts, "/e/bin/python", str(tmp_path))
    answer = choose(machine)
    assert isinstance(answer, Choice)
    assert answer.wheel is not None
    assert answer.wheel.backend == "cuda"
    assert any("driver is not known" in note for note in answer.notes)


def test_an_old_driver_that_cannot_tell_capabilities(tmp_path: Path) -> None:
    driver = NvidiaDriver(True, "535.104.05", "12.2", gpus=(NvidiaGpu(0, "Tesla V100-SXM2-32GB"),))
    machine = this_machine.described({"PythonEnv": python_env(), "NvidiaDriver": driver}, "/e/bin/python", str(tmp_path))
    assert machine.gpus[0].capability == "7.0"


@pytest.mark.parametrize(("number", "name"), [("90402", "gfx942"), ("110001", "gfx1101"), ("90010", "gfx90a"), ("120001", "gfx1201")])
def test_amd_gpus_by_the_number_of_the_kernel_driver(tmp_path: Path, number: str, name: str) -> None:
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    for index, value in enumerate(("0", number)):
        (nodes / str(index)).mkdir(parents=True)
        (nodes / str(index) / "properties").write_text(f"cpu_cores_count 0\ngfx_target_version {value}\nvendor_id 4098\n")
    assert this_machine.amd_targets(str(tmp_path)) == (name,)
    machine = this_machine.described({"PythonEnv": python_env(), "Host": HOST}, "/e/bin/python", str(tmp_path))
    assert [(gpu.vendor, gpu.gfx) for gpu in machine.gpus] == [("amd", name)]


def test_a_jetson_by_its_release_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n")
    assert this_machine.jetson_of(str(tmp_path)) == (True, "36.4.3")
    assert this_machine.jetson_of(str(tmp_path / "etc")) == (False, None)


def test_an_externally_managed_python_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    facts = {"Host": HOST, "PythonEnv": python_env(kind="system", installer="pip", externally_managed=True)}
    answer = choose(this_machine.described(facts, "/usr/bin/python3", str(tmp_path)))
    assert isinstance(answer, Choice)
    assert answer.commands[0] == "/usr/bin/python3 -m venv .venv"


def test_rosetta_is_seen_by_the_interpreter(tmp_path: Path) -> None:
    host = Host("macos", "macOS 15.1", "15.1", "arm64", "mac")
    machine = this_machine.described({"Host": host, "PythonEnv": python_env()}, "/e/bin/python", str(tmp_path))
    assert machine.rosetta
    assert machine.os_version == "15.1"
