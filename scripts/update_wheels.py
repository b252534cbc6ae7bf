#!/usr/bin/env python3
"""Make torchdoctor/data/wheels.tsv, the table of published torch wheels, from the facts in scripts/wheel_facts/.

    python scripts/update_wheels.py build               write the table from the facts
    python scripts/update_wheels.py fetch [VERSION ...]  ask PyPI again (through pip), then build
    python scripts/update_wheels.py measure WHEEL|PYTHON  architectures of a downloaded wheel or of an installed torch, then build

What is read from where:

* ``pypi.tsv``: for which Python and platform PyPI has each version. From ``pip index versions``.
* ``pypi_cuda.tsv``: the CUDA of PyPI's Linux wheels. From their METADATA (``pip install --dry-run --report``).
* ``architectures.tsv``: the GPU architectures of a build. Measured, or as PyTorch's build scripts and release notes list them.
* ``tags.tsv``: which builds lie on the other indexes of download.pytorch.org. Those indexes are not asked by this script: it needs nothing
  but PyPI. Their rows come from listings and lock files that others published, each with its source, and are added by hand; one whose
  source does not settle the matter is marked ``verified no`` and never decides anything.

``fetch`` and ``measure`` change the facts only where they read something; a fact of a version that they did not ask about stays.
Needs pip 25 or newer for ``fetch`` (older ones download whole wheels to read their metadata).
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

FACTS = Path(__file__).resolve().parent / "wheel_facts"
DATA = Path(__file__).resolve().parent.parent / "torchdoctor" / "data"
COLUMNS = ("torch", "index", "backend", "toolkit", "platform", "python", "os_min", "arch", "verified", "date", "source")
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t", "3.14t", "3.15t")
PLATFORMS = {
    "linux_x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
    "linux_x86_64:glibc2.17": ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
    "linux_x86_64:musl": ("musllinux_1_1_x86_64", "musllinux_1_2_x86_64"),
    "linux_aarch64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"),
    "linux_aarch64:glibc2.17": ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
    "macos_arm64": ("macosx_26_0_arm64",),
    "macos_arm64:macos11": ("macosx_11_0_arm64",),
    "macos_x86_64": ("macosx_26_0_x86_64",),
    "windows_amd64": ("win_amd64",),
    "windows_arm64": ("win_arm64",),
}
"""Name of each platform in the table, and the wheel tags that an installer accepts there."""
OLDEST = {"torch": "1.13", "torchvision": "0.14", "torchaudio": "0.13"}
_FLAGS = re.compile(rb"(?:(?:sm|compute)_\d+[a-z]?[ ;,]?){2,}")

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """The rows of a table, by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write a table, one line a row."""
    names = list(columns)
    lines = ["\t".join(names), *("\t".join(row.get(name, "") for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def order(version: str) -> tuple[int, ...]:
    """A version as numbers, to sort by."""
    return tuple(int(part) for part in version.split("."))


def minor(version: str) -> str:
    """The feature release that a version belongs to; facts about architectures hold for all of its patch releases."""
    return ".".join(version.split(".")[:2])


# ---------------------------------------------------------------------------------------------------
# build


def build() -> list[Row]:
    """All rows of the table, oldest torch first."""
    indexes = {row["index"]: row for row in read(DATA / "wheel_index.tsv")}
    of_cuda = {row["toolkit"]: name for name, row in indexes.items() if row["backend"] == "cuda"}
    architectures = {(row["torch"], row["index"], row["platform"]): row for row in read(FACTS / "architectures.tsv")}
    published = {(row["version"], row["platform"]): row for row in read(FACTS / "pypi.tsv") if row["package"] == "torch"}
    cuda_of = {(row["torch"], row["platform"]): row for row in read(FACTS / "pypi_cuda.tsv")}
    gfx: dict[str, list[str]] = {}
    for row in read(DATA / "rocm_arch.tsv"):
        gfx.setdefault(row["index"], []).append(row["gfx"])

    def archs(torch: str, index: str, platform: str) -> Row | None:
        return architectures.get((torch, index, platform)) or architectures.get((minor(torch), index, platform))

    rows = []
    for (torch, platform), fact in published.items():
        if ":" in platform or not fact["python"]:
            continue
        row = {"torch": torch, "index": "pypi", "platform": platform, "python": fact["python"], "verified": "yes", "date": fact["date"]}
        row["os_min"] = os_min(published, torch, platform)
        row["source"] = "PyPI"
        cuda = cuda_of.get((torch, platform))
        if cuda:
            found = archs(torch, "pypi", platform) or archs(torch, of_cuda.get(cuda["cuda"], ""), platform)
            row.update(backend="cuda", toolkit=cuda["cuda"], **_arch_columns(found))
            row["source"] = f"{cuda['source']}; architectures: {found['source'] if found else 'not known'}"
        else:
            row["backend"] = "mps" if platform == "macos_arm64" else "cpu"
        rows.append(row)
    for tag in read(FACTS / "tags.tsv"):
        torch, index, platform = tag["torch"], tag["index"], tag["platform"]
        pythons = published.get((torch, platform))
        if pythons is None:
            continue
        row = {"torch": torch, "index": index, "platform": platform, "python": pythons["python"], "date": tag["date"]}
        row.update(backend=indexes[index]["backend"], toolkit=indexes[index]["toolkit"], verified=tag["verified"])
        row["os_min"] = f"glibc {tag['glibc']}" if tag["glibc"] else os_min(published, torch, platform)
        row["source"] = tag["source"]
        if row["backend"] == "cuda":
            found = archs(torch, index, platform)
            columns = _arch_columns(found)
            row["arch"] = columns["arch"]
            row["verified"] = "yes" if tag["verified"] == columns["verified"] == "yes" else "no"
            row["source"] += f"; architectures: {found['source'] if found else 'not known'}"
        elif row["backend"] == "rocm":
            row["arch"] = " ".join(gfx.get(index, []))
            row["verified"] = tag["verified"] if row["arch"] else "no"
        rows.append(row)
    return sorted(rows, key=lambda r: (order(r["torch"]), r["platform"], r["index"] != "pypi", r["index"]))


def _arch_columns(found: Row | None) -> Row:
    return {"arch": found["arch"], "verified": found["verified"]} if found else {"arch": "", "verified": "no"}


def os_min(published: dict[tuple[str, str], Row], torch: str, platform: str) -> str:
    """The oldest system that the wheel's tag admits, as far as it was asked for."""
    if platform.startswith("linux"):
        return "glibc 2.17" if (torch, f"{platform}:glibc2.17") in published else "glibc 2.28"
    if platform == "macos_arm64":
        return "macos 11.0" if (torch, "macos_arm64:macos11") in published else "macos 14.0"
    return ""


# ---------------------------------------------------------------------------------------------------
# fetch


def pip(*arguments: str) -> str:
    """What pip prints; nothing where it fails.

    pip's configuration files, constraints and extra places of this machine are left out, so that the answer is PyPI's own; the index of
    a mirror can still be given with PIP_INDEX_URL.
    """
    left_out = ("PIP_FIND_LINKS", "PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    command = [sys.executable, "-m", "pip", *arguments, "--only-binary=:all:"]
    done = subprocess.run(command, capture_output=True, text=True, env={**environment, "PIP_CONFIG_FILE": os.devnull}, check=False)
    return done.stdout if done.returncode == 0 else ""


def target(python: str, tags: Iterable[str]) -> list[str]:
    """pip's options that describe another interpreter and platform."""
    version, abi = python.rstrip("t"), "cp" + python.replace(".", "")
    options = ["--implementation", "cp", "--python-version", version]
    for tag in (abi, "abi3", "none"):
        options += ["--abi", tag]
    for tag in tags:
        options += ["--platform", tag]
    return options


def fetch_versions(today: str) -> None:
    """Rewrite ``pypi.tsv``: every version that PyPI offers for every platform and Python of the table.

    Raises SystemExit, with nothing changed, where PyPI lists nothing: an unreachable index must not empty the table.
    """
    rows = []
    for package, oldest in OLDEST.items():
        for platform, tags in PLATFORMS.items():
            pythons: dict[str, list[str]] = {}
            for python in PYTHONS:
                listing = re.search(r"^Available versions: (.*)$", pip("index", "versions", package, *target(python, tags)), re.MULTILINE)
                for version in listing[1].split(", ") if listing else []:
                    if re.fullmatch(r"[\d.]+", version) and order(version)[:2] >= order(oldest):
                        pythons.setdefault(version, []).append(python)
            for version in sorted(pythons, key=order):
                found = " ".join(pythons[version])
                rows.append({"package": package, "version": version, "platform": platform, "python": found, "date": today})
            if not pythons:
                rows.append({"package": package, "version": "none", "platform": platform, "python": "", "date": today})
    for package in OLDEST:
        if not any(row["package"] == package and row["platform"] == "linux_x86_64" and row["python"] for row in rows):
            raise SystemExit(f"PyPI listed no {package} for Linux: nothing was changed (is pip able to reach it?)")
    write(FACTS / "pypi.tsv", ("package", "version", "platform", "python", "date"), rows)


def fetch_cuda(versions: Iterable[str], today: str) -> None:
    """Read the CUDA of PyPI's Linux wheels from their metadata and put it into ``pypi_cuda.tsv``."""
    rows = read(FACTS / "pypi_cuda.tsv")
    for version in versions:
        for platform in ("linux_x86_64", "linux_aarch64"):
            facts = next(
                (r for r in read(FACTS / "pypi.tsv") if (r["package"], r["version"], r["platform"]) == ("torch", version, platform)), None
            )
            if facts is None:
                continue
            seen = cuda_of_metadata(requires(version, usual(facts["python"]), PLATFORMS[platform]), platform)
            rows = [row for row in rows if (row["torch"], row["platform"]) != (version, platform)]
            if seen:
                source = f"METADATA of the wheel on PyPI: {seen[0]} {seen[1]}"
                rows.append({"torch": version, "platform": platform, "cuda": minor(seen[1]), "source": source, "date": today})
    write(FACTS / "pypi_cuda.tsv", ("torch", "platform", "cuda", "source", "date"), rows)


def usual(pythons: str) -> str:
    """The newest of these Pythons that is not a free-threaded one."""
    return [name for name in pythons.split() if not name.endswith("t")][-1]


def requires(version: str, python: str, tags: Iterable[str]) -> list[str]:
    """The Requires-Dist lines of a torch wheel on PyPI."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", str(report), "--target", folder)
        pip(*options, *target(python, tags), f"torch=={version}")
        if not report.exists():
            return []
        lines: list[str] = json.loads(report.read_text(encoding="utf-8"))["install"][0]["metadata"].get("requires_dist", [])
        return lines


def cuda_of_metadata(lines: Iterable[str], platform: str) -> tuple[str, str] | None:
    """The package and version that name the CUDA of a wheel, or None for a wheel without CUDA."""
    for line in lines:
        found = re.match(r"(cuda-toolkit|nvidia-cuda-runtime(?:-cu\d+)?)(?:\[[^\]]*\])?==([\d.]+)", line)
        if found and not ("platform_machine" in line and platform.removeprefix("linux_") not in line):
            return found[1], found[2]
    return None


# ---------------------------------------------------------------------------------------------------
# measure

_ASK = """
import json, platform, sys, sysconfig, torch
flags = torch._C._cuda_getArchFlags() if hasattr(torch._C, "_cuda_getArchFlags") else ""
archs = torch.cuda.get_arch_list() or (flags or "").split()
print(json.dumps({"version": torch.__version__, "archs": archs, "platform": sysconfig.get_platform()}))
"""


def capabilities(flags: Iterable[str]) -> str:
    """ "sm_80 sm_120 compute_120" as the table writes it: "8.0 12.0+PTX"."""
    names = [flag for flag in flags if flag]
    dotted = {name: re.sub(r"(\d)$", r".\1", re.sub(r"\D", "", name)) for name in names}
    ptx = {dotted[name] for name in names if name.startswith("compute_")}
    real = [dotted[name] for name in names if name.startswith("sm_")]
    return " ".join(f"{value}+PTX" if value in ptx else value for value in real)


def measure(what: Path, today: str) -> Row:
    """The architectures of a wheel file, or of the torch that an interpreter has.

    Raises SystemExit where there is nothing to read.
    """
    if what.suffix == ".whl":
        name = what.name.split("-")
        version, platform = (
            name[1],
            "linux_aarch64" if "aarch64" in what.name else "windows_amd64" if "win_amd64" in what.name else "linux_x86_64",
        )
        flags, source = flags_of_wheel(what), f"read from the wheel (flags in libtorch_python), {name[2]}"
    else:
        done = subprocess.run([str(what), "-c", _ASK], capture_output=True, text=True, check=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        version, flags = answer["version"], answer["archs"]
        platform = answer["platform"].replace("-", "_").replace("win_amd64", "windows_amd64")
        source = "torch.cuda.get_arch_list() of an installed build"
    if not flags:
        raise SystemExit(f"{what}: torch {version} names no CUDA architectures (a build without CUDA)")
    public, _, tag = version.partition("+")
    row = {"torch": public, "index": tag or "pypi", "platform": platform, "arch": capabilities(flags)}
    return {**row, "verified": "yes", "source": source, "date": today}


def flags_of_wheel(path: Path) -> list[str]:
    """The architecture flags compiled into torch's Python library, read without running anything of it."""
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            if "libtorch_python.so" in name or "torch_python.dll" in name:
                found = _FLAGS.search(wheel.read(name))
                return found[0].decode().replace(";", " ").replace(",", " ").split() if found else []
    return []


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build")
    commands.add_parser("fetch").add_argument(
        "versions", nargs="*", help="torch versions whose metadata is read; default: those without a fact"
    )
    commands.add_parser("measure").add_argument("what", type=Path)
    arguments = parser.parse_args()
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    if arguments.command == "fetch":
        fetch_versions(today)
        known = {row["torch"] for row in read(FACTS / "pypi_cuda.tsv")}
        new = {row["version"] for row in read(FACTS / "pypi.tsv") if row["package"] == "torch" and row["version"] != "none"} - known
        fetch_cuda(arguments.versions or sorted(new, key=order), today)
    elif arguments.command == "measure":
        row = measure(arguments.what, today)
        key = ("torch", "index", "platform")
        rows = [r for r in read(FACTS / "architectures.tsv") if any(r[k] != row[k] for k in key)]
        write(FACTS / "architectures.tsv", ("torch", "index", "platform", "arch", "verified", "source", "date"), [*rows, row])
    rows = build()
    write(DATA / "wheels.tsv", COLUMNS, rows)
    print(f"{DATA / 'wheels.tsv'}: {len(rows)} builds, {sum(r['verified'] == 'yes' for r in rows)} of them verified")


if __name__ == "__main__":
    main()
