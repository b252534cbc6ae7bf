"""The tables of published wheels: whole, consistent with each other, and what the script makes of its facts."""

from __future__ import annotations

import datetime
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from torchdoctor.wheels import table
from torchdoctor.wheels.gpus import UnknownGpu, gpu_named, runs_on, supported
from torchdoctor.wheels.machine import Gpu
from torchdoctor.wheels.reverse import last_torch_for, needs, needs_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """``scripts/update_wheels.py`` as a module."""
    spec = importlib.util.spec_from_file_location("update_wheels", ROOT / "scripts" / "update_wheels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(torch: str, index: str, platform: str = "linux_x86_64") -> table.Wheel:
    return next(w for w in table.wheels() if (w.torch, w.index.name, w.platform) == (torch, index, platform))


# ---------------------------------------------------------------------------------------------------
# the rows


def test_the_table_is_what_the_script_makes(script: ModuleType) -> None:
    made = [{column: row.get(column, "") for column in script.COLUMNS} for row in script.build()]
    assert made == script.read(ROOT / "torchdoctor" / "data" / "wheels.tsv")


@pytest.mark.parametrize(
    "name", ["wheels", "torch_companions", "cuda_driver", "driver_branch", "compute_capability", "rocm_arch", "mps_macos", "jetson"]
)
def test_every_row_has_a_source_and_a_date(name: str) -> None:
    rows = table.rows(f"{name}.tsv")
    assert rows
    for row in rows:
        assert row["source"]
        datetime.date.fromisoformat(row["date"])
        assert None not in row.values()


def test_one_row_a_build_and_platform() -> None:
    keys = [(w.torch, w.index.name, w.platform) for w in table.wheels()]
    assert len(keys) == len(set(keys))


def test_a_confirmed_build_for_a_gpu_names_its_architectures_and_driver() -> None:
    for row in table.wheels():
        if row.backend == "cuda":
            assert row.toolkit in table.drivers(), row
            assert bool(row.arch) or not row.verified, row
        if row.backend == "rocm" and row.verified:
            assert row.gfx, row
        assert row.pythons


def test_an_index_has_builds_of_its_own_kind_only() -> None:
    for row in table.wheels():
        if row.index.name != table.PYPI:
            assert (row.backend, row.toolkit) == (row.index.backend, row.index.toolkit)
            assert row.index.url.startswith("https://download.pytorch.org/whl/")


def test_companions_are_those_of_torches_in_the_table() -> None:
    torches = {row.torch for row in table.wheels()}
    for row in table.companions():
        assert row.torch in torches
        assert row.pythons
    assert {row.torch for row in table.companions() if row.package == "torchvision"} == torches


def test_the_facts_that_people_trip_over() -> None:
    pypi = {(w.torch, w.platform): w for w in table.wheels() if w.index.name == table.PYPI}
    assert [pypi[v, "linux_x86_64"].toolkit for v in ("2.0.1", "2.4.1", "2.6.0", "2.7.1", "2.10.0", "2.14.1", "2.15.0")] == [
        "11.7", "12.1", "12.4", "12.6", "12.8", "13.0", "13.2",
    ]  # fmt: skip
    assert all(w.backend == "cpu" for (_, platform), w in pypi.items() if platform == "windows_amd64")
    assert pypi["2.10.0", "linux_aarch64"].backend == "cpu"
    assert pypi["2.11.0", "linux_aarch64"].backend == "cuda"
    assert max((v for v, platform in pypi if platform == "macos_x86_64"), key=table.number) == "2.2.2"
    assert "3.9" in pypi["2.8.0", "linux_x86_64"].pythons
    assert "3.9" not in pypi["2.9.0", "linux_x86_64"].pythons
    assert "3.10" not in pypi["2.15.0", "linux_x86_64"].pythons
    assert max((w.torch for w in table.wheels() if w.index.name == "cu118" and w.verified), key=table.number) == "2.7.1"
    assert max((w.torch for w in table.wheels() if w.index.name == "cu126" and w.verified), key=table.number) == "2.14.1"
    assert max((w.torch for w in table.wheels() if w.index.name == "cu128" and w.verified), key=table.number) == "2.11.0"


def test_the_table_carries_its_date() -> None:
    assert table.table_date() == max(row["date"] for row in table.rows("wheels.tsv"))
    assert table.newest_torch() == "2.15.0"


# ---------------------------------------------------------------------------------------------------
# which GPUs


@pytest.mark.parametrize(
    ("torch", "index", "on", "not_on"),
    [
        ("2.14.1", "cu126", ["5.0", "5.2", "6.1", "7.0", "7.5", "8.6", "8.9", "9.0"], ["3.7", "10.0", "12.0", "8.7", "5.3"]),
        ("2.7.1", "cu118", ["3.7", "5.2", "7.0", "8.9", "9.0"], ["3.5", "10.0", "12.0"]),
        ("2.7.1", "cu128", ["7.5", "8.0", "9.0", "10.0", "12.0"], ["5.0", "6.1", "7.0", "10.3", "12.1"]),
        ("2.8.0", "cu128", ["7.0", "7.5", "12.0"], ["6.1"]),
        ("2.11.0", "cu128", ["7.5", "12.0"], ["7.0"]),
        ("2.15.0", "pypi", ["7.5", "8.0", "8.9", "9.0", "10.0", "10.3", "12.0", "12.1"], ["7.0", "6.1", "11.0"]),
        ("2.0.1", "pypi", ["8.6"], ["8.9", "9.0"]),
    ],
)
def test_capabilities_of_a_build(torch: str, index: str, on: list[str], not_on: list[str]) -> None:
    found = supported(wheel(torch, index))
    assert set(on) <= set(found)
    assert not set(not_on) & set(found)


def test_code_of_desktop_gpus_does_not_run_on_a_jetson_but_thor_has_its_own() -> None:
    row = wheel("2.15.0", "pypi", "linux_aarch64")
    assert not runs_on(row, Gpu("Orin", capability="8.7"))
    assert runs_on(row, Gpu("Thor", capability="11.0"))


def test_ptx_counts_only_where_the_driver_compiles_it() -> None:
    row = wheel("2.13.0", "cu130")
    future = Gpu("a later GPU", capability="13.0")
    assert not runs_on(row, future)
    assert runs_on(row, future, compile_ptx=True)


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("A100", "8.0"), ("NVIDIA A100-SXM4-80GB", "8.0"), ("Tesla T4", "7.5"), ("NVIDIA GeForce RTX 3060 Laptop GPU", "8.6"),
        ("NVIDIA H100 80GB HBM3", "9.0"), ("GTX 1080 Ti", "6.1"), ("RTX 6000 Ada", "8.9"), ("Quadro RTX 6000", "7.5"), ("sm_120", "12.0"),
        ("8.9", "8.9"), ("GFX1100", "gfx1100"), ("mi300x", "gfx942"), ("Radeon RX 7900 XTX", "gfx1100"), ("Jetson AGX Orin", "8.7"),
    ],
)  # fmt: skip
def test_a_gpu_by_its_name(name: str, architecture: str) -> None:
    gpu = gpu_named(name)
    assert (gpu.gfx or gpu.capability) == architecture


@pytest.mark.parametrize("name", ["banana", "RTX", "NVIDIA", "", "9.9"])
def test_a_name_that_is_no_gpu_is_refused(name: str) -> None:
    with pytest.raises(UnknownGpu):
        gpu_named(name)


def test_a_name_that_fits_several_names_them() -> None:
    with pytest.raises(UnknownGpu, match=r"fits several: .*8\.7.*5\.3"):
        gpu_named("Jetson")


# ---------------------------------------------------------------------------------------------------
# the reverse question


def test_what_torch_2_6_for_cuda_12_4_needs() -> None:
    rows = [w for w in table.wheels() if w.torch == "2.6.0" and w.toolkit == "12.4"]
    (found,) = needs(rows)
    assert found.driver == "525.60.13"
    assert found.gpus_settled
    assert set(found.gpus) >= {"5.0", "7.0", "8.9", "9.0"}
    assert "12.0" in found.not_on
    assert found.pythons == ("3.9", "3.10", "3.11", "3.12", "3.13")
    assert found.companions == ("torchvision==0.21.0", "torchaudio==2.6.0")
    assert found.places[0] == "PyPI"
    assert found.platforms == ("linux_x86_64",)  # those of which the table is sure


def test_an_unconfirmed_build_does_not_claim_its_gpus() -> None:
    assert not needs_of(wheel("2.6.0", "cu126")).gpus_settled


@pytest.mark.parametrize(
    ("capability", "torch", "index"), [("3.7", "2.7.1", "cu118"), ("6.1", "2.14.1", "cu126"), ("7.0", "2.14.1", "cu126")]
)
def test_the_last_torch_for_an_old_gpu(capability: str, torch: str, index: str) -> None:
    last = last_torch_for(capability)
    assert last is not None
    assert (last.torch, last.index.name) == (torch, index)


def test_there_is_no_torch_for_capability_3_5() -> None:
    assert last_torch_for("3.5") is None


# ---------------------------------------------------------------------------------------------------
# the script


def test_the_cuda_of_metadata(script: ModuleType) -> None:
    x86_only = ['nvidia-cuda-runtime-cu12==12.6.77; platform_system == "Linux" and platform_machine == "x86_64"']
    assert script.cuda_of_metadata(x86_only, "linux_x86_64") == ("nvidia-cuda-runtime-cu12", "12.6.77")
    assert script.cuda_of_metadata(x86_only, "linux_aarch64") is None
    both = ["filelock", 'cuda-toolkit[cublas,cudart]==13.2.2; platform_system == "Linux"']
    assert script.cuda_of_metadata(both, "linux_aarch64") == ("cuda-toolkit", "13.2.2")
    assert script.cuda_of_metadata(["numpy"], "linux_x86_64") is None


def test_an_unreachable_index_changes_nothing(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(script, "FACTS", tmp_path)
    monkeypatch.setattr(script, "pip", lambda *_arguments: "")
    with pytest.raises(SystemExit, match="nothing was changed"):
        script.fetch_versions("2030-01-01")
    assert not list(tmp_path.iterdir())


def test_flags_as_the_table_writes_them(script: ModuleType) -> None:
    assert script.capabilities(["sm_50", "sm_86", "sm_120", "compute_120"]) == "5.0 8.6 12.0+PTX"


def test_architectures_of_a_wheel_are_read_without_running_it(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "torch-2.99.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("torch/lib/libtorch_python.so", b"\0\1ELF sm_1 \0sm_75 sm_80 compute_80\0rest")
    row = script.measure(file, "2030-01-01")
    assert (row["torch"], row["index"], row["platform"], row["arch"]) == ("2.99.0", "cu126", "linux_x86_64", "7.5 8.0+PTX")


def test_a_wheel_without_cuda_is_refused(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "torch-2.99.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("torch/lib/libtorch_python.so", b"nothing")
    with pytest.raises(SystemExit, match="without CUDA"):
        script.measure(file, "2030-01-01")


def test_the_checks_can_import_it_without_torch_or_a_dependency() -> None:
    code = "import sys; import torchdoctor.wheels; print(sorted({'torch', 'click', 'rich', 'psutil', 'pynvml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
