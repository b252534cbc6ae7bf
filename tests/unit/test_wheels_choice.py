"""What holds for every choice: it names only rows of the table, its commands can be typed, and the machine meets its needs."""

from __future__ import annotations

import itertools
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchdoctor import wheels
from torchdoctor.wheels import commands, table
from torchdoctor.wheels.choose import Answer, Choice, UnknownWish, Wish, build_named, choose
from torchdoctor.wheels.gpus import gpu_named, runs_on
from torchdoctor.wheels.impossible import Impossible
from torchdoctor.wheels.machine import INSTALLERS, Gpu, Machine
from torchdoctor.wheels.table import number

CAPABILITIES = sorted(table.capabilities())
GPUS = [Gpu(f"GPU {name}", capability=name) for name in CAPABILITIES] + [gpu_named(n) for n in ("gfx942", "gfx1100", "gfx1031")]
VERSIONS = {"torch": {w.torch for w in table.wheels()}}
for row in table.companions():
    VERSIONS.setdefault(row.package, set()).add(row.version)
URLS = {index.url for index in table.indexes().values() if index.url} | {row.url for row in table.jetsons()}

machines = st.builds(
    Machine,
    system=st.sampled_from(["linux", "windows", "macos"]),
    arch=st.sampled_from(["x86_64", "AMD64", "aarch64", "arm64", "riscv64"]),
    python=st.sampled_from([f"3.{minor}" for minor in range(7, 17)]),
    free_threaded=st.booleans(),
    driver=st.sampled_from([None, "390.157", "450.80.02", "470.82.01", "525.60.13", "551.61", "570.86.10", "580.95.05", "591.44"]),
    driver_cuda=st.sampled_from([None, None, "11.4", "12.2", "12.8", "13.0", "13.2"]),
    gpus=st.lists(st.sampled_from(GPUS), max_size=3).map(tuple),
    os_version=st.sampled_from([None, "12.7", "13.6", "14.1", "15.0"]),
    libc=st.sampled_from([None, "glibc 2.17", "glibc 2.31", "glibc 2.39", "musl"]),
    jetson=st.booleans(),
    installer=st.sampled_from(INSTALLERS),
)
wishes = st.builds(
    Wish,
    torch=st.sampled_from([None, None, "2.6", "2.9.1", "2.14", "2.15", "1.13"]),
    build=st.sampled_from([None, None, "cpu", "11.8", "cu126", "12.8", "13.0", "rocm6.4", "rocm"]),
)


def answer_of(machine: Machine, wish: Wish) -> Answer | None:
    try:
        return choose(machine, wish)
    except UnknownWish:
        return None


def names_in(command: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The requirements and the addresses of a command."""
    words = shlex.split(command)
    return [tuple(w.split("==")) for w in words if "==" in w], [w for w in words if w.startswith("https://")]  # type: ignore[misc]


@settings(max_examples=150, deadline=None)
@given(machines, wishes)
def test_every_command_names_only_rows_of_the_table(machine: Machine, wish: Wish) -> None:
    answer = answer_of(machine, wish)
    if not isinstance(answer, Choice):
        return
    for command in answer.commands:
        requirements, addresses = names_in(command)
        assert all(version in VERSIONS[name] for name, version in requirements)
        assert set(addresses) <= URLS
    assert f"torch=={answer.torch}" in " ".join(answer.commands)


@settings(max_examples=150, deadline=None)
@given(machines, wishes)
def test_the_machine_meets_what_the_choice_needs(machine: Machine, wish: Wish) -> None:
    answer = answer_of(machine, wish)
    if not isinstance(answer, Choice) or answer.wheel is None:
        return
    chosen = answer.wheel
    assert chosen.platform == machine.platform
    assert machine.python_tag in chosen.pythons
    assert chosen.verified or wish.build or wish.torch
    if machine.glibc and chosen.os_min.startswith("glibc"):
        assert number(machine.glibc) >= number(chosen.os_min.split()[1])
    if chosen.backend == "cuda":
        needed = table.drivers()[chosen.toolkit]
        if machine.driver:
            assert number(machine.driver) >= number(needed.windows if machine.system == "windows" else needed.linux)
        if machine.driver_cuda:
            assert int(machine.driver_cuda.split(".")[0]) >= int(chosen.toolkit.split(".")[0])
        if chosen.verified:
            served = [gpu for gpu in machine.of("nvidia") if gpu not in answer.left_out]
            assert all(runs_on(chosen, gpu, compile_ptx=True) for gpu in served)


@settings(max_examples=30, deadline=None)
@given(machines)
def test_nothing_newer_and_confirmed_would_have_worked(machine: Machine) -> None:
    answer = choose(machine)
    if not isinstance(answer, Choice) or answer.wheel is None or answer.left_out:
        return
    for other in table.wheels():
        if other.backend == answer.wheel.backend and number(other.torch) > number(answer.torch) and other.platform == machine.platform:
            newer = Wish(other.torch, other.index.name if other.index.url else None)
            if other.verified:
                result = choose(machine, newer)
                assert isinstance(result, Impossible) or result.left_out or result.wheel is None or result.wheel.backend != other.backend


@settings(max_examples=100, deadline=None)
@given(machines, wishes)
def test_an_impossible_answer_says_why_and_what_to_do(machine: Machine, wish: Wish) -> None:
    answer = answer_of(machine, wish)
    if isinstance(answer, Impossible):
        assert answer.reason.endswith(".")
        assert all(answer.do)
        assert answer.do


def test_another_gpu_that_no_build_serves_beside_the_first_is_said() -> None:
    answer = choose(Machine(driver="580.95.05", gpus=(gpu_named("GTX 1080"), gpu_named("RTX 5090"))))
    assert isinstance(answer, Choice)
    assert [gpu.name for gpu in answer.left_out] == ["GTX 1080"]
    assert any("GTX 1080" in note for note in answer.notes)


def test_the_larger_number_of_gpus_decides() -> None:
    answer = choose(Machine(driver="580.95.05", gpus=(gpu_named("GTX 1080"),) * 2 + (gpu_named("RTX 5090"),)))
    assert isinstance(answer, Choice)
    assert answer.index.name == "cu126"
    assert [gpu.name for gpu in answer.left_out] == ["RTX 5090"]


def test_what_the_newest_would_need() -> None:
    driver = choose(Machine(driver="535.104.05", gpus=(gpu_named("A100"),)))
    gpu = choose(Machine(driver="580.95.05", gpus=(gpu_named("V100"),)))
    python = choose(Machine(python="3.10", driver="580.95.05", gpus=(gpu_named("A100"),)))
    assert isinstance(driver, Choice) and isinstance(gpu, Choice) and isinstance(python, Choice)
    assert "NVIDIA driver 580 or newer" in driver.newest
    assert "V100" in gpu.newest and "driver" not in gpu.newest
    assert "Python 3.11 to 3.15" in python.newest


def test_minor_version_compatibility_is_explained() -> None:
    answer = choose(Machine(driver="535.104.05", driver_cuda="12.2", gpus=(gpu_named("A100"),)))
    assert isinstance(answer, Choice)
    assert any("minor-version compatibility" in note for note in answer.notes)


def test_an_installed_torch_newer_than_the_table_is_said() -> None:
    newer, older = (choose(Machine(installed=version)) for version in ("2.99.0+cu150", "2.6.0"))
    assert any("newer than this table" in note for note in newer.notes)
    assert not any("newer than this table" in note for note in older.notes)


def test_a_gpu_of_unknown_architecture_plays_no_part_and_that_is_said() -> None:
    answer = choose(Machine(driver="580.95.05", gpus=(Gpu("some new card"),)))
    assert isinstance(answer, Choice)
    assert answer.torch == "2.15.0"
    assert any("some new card" in note for note in answer.notes)


def test_wsl_is_judged_by_the_cuda_that_its_windows_driver_reports() -> None:
    answer = choose(Machine(wsl=True, driver="527.41", driver_cuda="12.0", gpus=(gpu_named("RTX 3060"),)))
    assert isinstance(answer, Choice)
    assert answer.index.name == "cu126"


def test_companions_are_left_out_on_demand_and_for_a_python_they_lack() -> None:
    with_them, without = choose(Machine()), choose(Machine(), companions=False)
    assert isinstance(with_them, Choice) and isinstance(without, Choice)
    assert with_them.packages == ("torch==2.14.1", "torchvision==0.29.1")
    assert without.packages == ("torch==2.14.1",)
    lacking = choose(Machine(python="3.13"), Wish("2.5.1", "cpu"))
    assert isinstance(lacking, Choice)
    assert lacking.packages == ("torch==2.5.1",)


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("12.6", ("cuda", "12.6")),
        ("cu126", ("cuda", "12.6")),
        ("CUDA 12.6", ("cuda", "12.6")),
        ("cpu", ("cpu", "")),
        ("rocm6.4", ("rocm", "6.4")),
    ],
)
def test_a_build_by_its_names(text: str, build: tuple[str, str]) -> None:
    assert build_named(text) == build


@pytest.mark.parametrize(
    ("torch", "build"), [("2.66", None), ("3", None), (None, "12.5"), (None, "6.4"), ("2.6", "13.0"), ("2.15", "12.6")]
)
def test_what_does_not_exist_is_refused(torch: str | None, build: str | None) -> None:
    with pytest.raises(UnknownWish) as caught:
        choose(Machine(), Wish(torch, build))
    assert caught.value.known


# ---------------------------------------------------------------------------------------------------
# commands

CU126 = table.indexes()["cu126"]


@pytest.mark.parametrize(
    ("installer", "executable", "expected"),
    [
        ("pip", None, ["pip install torch==2.14.1 --index-url URL"]),
        ("pip", "/opt/my env/bin/python", ["'/opt/my env/bin/python' -m pip install torch==2.14.1 --index-url URL"]),
        ("uv", None, ["uv pip install torch==2.14.1 --index-url URL"]),
        ("uv", "/opt/e/bin/python", ["uv pip install --python /opt/e/bin/python torch==2.14.1 --index-url URL"]),
        ("conda", None, ["python -m pip install torch==2.14.1 --index-url URL"]),
        ("poetry", None, ["poetry source add --priority explicit cu126 URL", "poetry add torch==2.14.1 --source cu126"]),
        ("system", None, ["python3 -m venv .venv", ".venv/bin/python -m pip install torch==2.14.1 --index-url URL"]),
    ],
)
def test_the_command_of_each_installer(installer: str, executable: str | None, expected: list[str]) -> None:
    lines = commands.install(Machine(installer=installer, executable=executable), ("torch==2.14.1",), CU126)
    assert [line.replace(CU126.url, "URL") for line in lines] == expected


@pytest.mark.parametrize(("installer", "again", "no_deps"), list(itertools.product(INSTALLERS, (False, True), (False, True))))
def test_commands_parse_and_keep_every_part(installer: str, again: bool, no_deps: bool) -> None:
    for index in (CU126, table.indexes()["pypi"]):
        words = [shlex.split(line) for line in commands.install(Machine(installer=installer), ("torch==2.14.1",), index, again, no_deps)]
        assert "torch==2.14.1" in words[-1]
        assert ("--no-deps" in words[-1]) is no_deps
        assert (index.url in itertools.chain(*words)) is bool(index.url)


def test_windows_paths_stay_whole() -> None:
    line = commands.install(Machine(system="windows", executable="C:\\My Env\\python.exe"), ("torch==2.14.1",), CU126)[0]
    assert line.startswith('"C:\\My Env\\python.exe" -m pip install')


# ---------------------------------------------------------------------------------------------------
# what checks use


@pytest.mark.parametrize(
    ("driver_cuda", "index"),
    [("11.4", "cu118"), ("12.0", "cu126"), ("12.4", "cu126"), ("12.8", "cu126"), ("13.0", "cu130"), ("13.2", "cu130"), (None, "cu126")],
)
def test_the_index_for_a_driver(driver_cuda: str | None, index: str) -> None:
    fix = wheels.for_driver("pip", driver_cuda)
    assert fix.commands == (f"pip install --force-reinstall torch --index-url {table.indexes()[index].url}",)


def test_a_driver_before_cuda_11_has_to_be_updated() -> None:
    fix = wheels.for_driver("uv", "10.2")
    assert fix.commands == ()
    assert fix.who == "admin"


@pytest.mark.parametrize(
    ("version", "command"),
    [
        ("2.13.0", "pip install --force-reinstall torch==2.13.0"),
        ("2.13.0+cu130", "pip install --force-reinstall torch==2.13.0 --index-url https://download.pytorch.org/whl/cu130"),
        ("2.13.0+cpu", "pip install --force-reinstall torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"),
        ("2.9.0a0+nv25.10", "pip install --force-reinstall torch"),
        (None, "pip install --force-reinstall torch"),
    ],
)
def test_the_same_version_again(version: str | None, command: str) -> None:
    assert wheels.reinstall("pip", None, version) == command


def test_the_companion_that_belongs_to_a_torch() -> None:
    fix = wheels.companion("uv", "torchvision", "2.9.1+cu128")
    assert fix.commands == ("uv pip install --no-deps torchvision==0.24.1 --index-url https://download.pytorch.org/whl/cu128",)
    assert wheels.companion("pip", "torchaudio", "1.13.0").commands == ("pip install --no-deps torchaudio==0.13.0",)
    assert wheels.companion("pip", "torchaudio", "2.13.0").commands == ()
    assert wheels.companion("pip", "torchvision", "2.9.1+custom").commands == ()
    assert wheels.companion("pip", "xformers", "2.9.1").commands == ()


def test_installing_into_this_environment() -> None:
    assert wheels.install("pip", "/e/bin/python") == "/e/bin/python -m pip install torch"
    assert wheels.install("uv", "/e/bin/python") == "uv pip install --python /e/bin/python torch --torch-backend=auto"
    assert wheels.install("poetry", "/e/bin/python") == "poetry add torch"


@pytest.mark.parametrize(("torch", "newer"), [("2.99.0", True), ("2.15.0+cu132", False), ("2.6.0", False), ("3.0.0a0+gitabc", True)])
def test_a_torch_that_the_table_does_not_reach(torch: str, newer: bool) -> None:
    assert wheels.newer_than_table(torch) is newer
