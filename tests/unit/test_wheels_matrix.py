"""Machines with known answers: which build of torch is right for each, or that none is."""

from __future__ import annotations

import pytest

from torchdoctor.wheels.choose import Choice, Wish, choose
from torchdoctor.wheels.gpus import gpu_named
from torchdoctor.wheels.impossible import Impossible
from torchdoctor.wheels.machine import Machine

# Columns: what it is | system arch python | NVIDIA driver, or extra | GPUs | answer: torch @ index, or a word of the reason after "no:".
# "-" means nothing there. Extra words: musl, glibc=2.17, macos=14.1, jetson, l4t=36, rosetta.
MATRIX = """
  Ampere, 450 driver, CUDA 11 only           | linux x86_64 3.10  | 450.119.04 | A100          | 2.7.1 @ cu118
  Ampere, 470 driver (CUDA 11.4)             | linux x86_64 3.11  | 470.82.01  | A100          | 2.7.1 @ cu118
  Ampere, 470 driver, Python 3.9             | linux x86_64 3.9   | 470.223.02 | RTX 3090      | 2.7.1 @ cu118
  Ampere, 470 driver, Python 3.13            | linux x86_64 3.13  | 470.223.02 | RTX 3090      | 2.7.1 @ cu118
  Ampere, 470 driver, Python too new         | linux x86_64 3.14  | 470.223.02 | RTX 3090      | no: Python 3.9 to 3.13
  Ampere, 510 driver (CUDA 11.6)             | linux x86_64 3.10  | 510.47.03  | A10           | 2.7.1 @ cu118
  Ampere, 520 driver (CUDA 11.8)             | linux x86_64 3.10  | 520.61.05  | RTX A6000     | 2.7.1 @ cu118
  Ampere, 525 driver of the CUDA 12 family   | linux x86_64 3.12  | 525.60.13  | A100          | 2.14.1 @ cu126
  Ampere, 525 driver just too old            | linux x86_64 3.12  | 525.53     | A100          | 2.7.1 @ cu118
  Ampere, 535 driver                         | linux x86_64 3.12  | 535.104.05 | A100          | 2.14.1 @ cu126
  Ampere, 550 driver                         | linux x86_64 3.12  | 550.54.15  | RTX 3060      | 2.14.1 @ cu126
  Ampere, 570 driver                         | linux x86_64 3.12  | 570.86.10  | A100          | 2.14.1 @ cu126
  Ampere, 580 driver                         | linux x86_64 3.12  | 580.95.05  | A100          | 2.15.0 @ pypi
  Ampere, 580 driver, Python 3.10            | linux x86_64 3.10  | 580.95.05  | A100          | 2.14.1 @ pypi
  Ampere, 580 driver, Python 3.9             | linux x86_64 3.9   | 580.95.05  | A100          | 2.8.0 @ pypi
  Ampere, 580 driver, Python 3.8             | linux x86_64 3.8   | 580.95.05  | A100          | 2.4.1 @ pypi
  Ampere, 580 driver, Python 3.15            | linux x86_64 3.15  | 580.95.05  | A100          | 2.15.0 @ pypi
  Ampere, 535 driver, Python 3.15            | linux x86_64 3.15  | 535.104.05 | A100          | no: Python 3.10 to 3.14
  Ampere, 580 driver, free-threaded 3.14     | linux x86_64 3.14t | 580.95.05  | A100          | 2.15.0 @ pypi
  Ampere, 580 driver, free-threaded 3.13     | linux x86_64 3.13t | 580.95.05  | A100          | 2.12.0 @ pypi
  Ampere, driver not known                   | linux x86_64 3.12  | -          | A100          | 2.15.0 @ pypi
  Ampere, 440 driver                         | linux x86_64 3.10  | 440.33     | T4            | no: driver
  Ada, 535 driver                            | linux x86_64 3.11  | 535.183.01 | RTX 4090      | 2.14.1 @ cu126
  Ada, 580 driver                            | linux x86_64 3.11  | 580.82.07  | L40S          | 2.15.0 @ pypi
  Ada, 470 driver                            | linux x86_64 3.11  | 470.223.02 | L4            | 2.7.1 @ cu118
  Turing, 580 driver                         | linux x86_64 3.12  | 580.95.05  | T4            | 2.15.0 @ pypi
  Turing, 535 driver                         | linux x86_64 3.12  | 535.104.05 | T4            | 2.14.1 @ cu126
  Turing, consumer, 590 driver               | linux x86_64 3.12  | 590.44     | RTX 2080 Ti   | 2.15.0 @ pypi
  Hopper, 550 driver                         | linux x86_64 3.12  | 550.90.07  | 8xH100        | 2.14.1 @ cu126
  Hopper, 580 driver                         | linux x86_64 3.12  | 580.95.05  | 8xH100        | 2.15.0 @ pypi
  Hopper, 470 driver                         | linux x86_64 3.12  | 470.223.02 | H100          | 2.7.1 @ cu118
  Volta, 580 driver                          | linux x86_64 3.12  | 580.95.05  | V100          | 2.14.1 @ cu126
  Volta, 535 driver                          | linux x86_64 3.10  | 535.104.05 | 4xV100        | 2.14.1 @ cu126
  Volta, Python of the 2.15 only             | linux x86_64 3.15  | 580.95.05  | V100          | no: Python 3.10 to 3.14
  Pascal, 580 driver                         | linux x86_64 3.12  | 580.95.05  | GTX 1080 Ti   | 2.14.1 @ cu126
  Pascal, data centre                        | linux x86_64 3.12  | 550.54.15  | P100          | 2.14.1 @ cu126
  Pascal, 470 driver                         | linux x86_64 3.12  | 470.223.02 | GTX 1060      | 2.7.1 @ cu118
  Maxwell, 535 driver                        | linux x86_64 3.12  | 535.104.05 | GTX 980       | 2.14.1 @ cu126
  Maxwell, first generation                  | linux x86_64 3.12  | 535.104.05 | GTX 750 Ti    | 2.14.1 @ cu126
  Maxwell, Python 3.9                        | linux x86_64 3.9   | 535.104.05 | M60           | 2.8.0 @ cu126
  Kepler K80                                 | linux x86_64 3.10  | 470.223.02 | K80           | 2.7.1 @ cu118
  Kepler K40                                 | linux x86_64 3.10  | 470.223.02 | K40           | no: no code for K40
  Blackwell B200, 570 driver                 | linux x86_64 3.12  | 570.124.06 | 8xB200        | 2.11.0 @ cu128
  Blackwell B200, 580 driver                 | linux x86_64 3.12  | 580.95.05  | 8xB200        | 2.15.0 @ pypi
  Blackwell RTX, 570 driver                  | linux x86_64 3.12  | 570.86.10  | RTX 5090      | 2.11.0 @ cu128
  Blackwell RTX, 575 driver                  | linux x86_64 3.13  | 575.57.08  | RTX 5070 Ti   | 2.11.0 @ cu128
  Blackwell RTX, 580 driver                  | linux x86_64 3.12  | 580.95.05  | RTX 5090      | 2.15.0 @ pypi
  Blackwell RTX, 580 driver, Python 3.10     | linux x86_64 3.10  | 580.95.05  | RTX 5090      | 2.14.1 @ pypi
  Blackwell RTX, 570 driver, Python 3.9      | linux x86_64 3.9   | 570.86.10  | RTX 5080      | 2.8.0 @ pypi
  Blackwell RTX PRO                          | linux x86_64 3.12  | 580.95.05  | RTX PRO 6000  | 2.15.0 @ pypi
  Blackwell B300, 580 driver                 | linux x86_64 3.12  | 580.95.05  | B300          | 2.15.0 @ pypi
  Volta beside Ampere                        | linux x86_64 3.12  | 580.95.05  | V100, A100    | 2.14.1 @ cu126
  Pascal beside Blackwell: no build for both | linux x86_64 3.12  | 580.95.05  | GTX 1080, RTX 5090 | 2.15.0 @ pypi
  A GPU that only its capability names       | linux x86_64 3.12  | 580.95.05  | 8.6           | 2.15.0 @ pypi
  Server, CPU only                           | linux x86_64 3.12  | -          | none          | 2.14.1 @ cpu
  Server, CPU only, Python 3.9               | linux x86_64 3.9   | -          | none          | 2.8.0 @ cpu
  Server, CPU only, Python 3.15              | linux x86_64 3.15  | -          | none          | no: Python 3.10 to 3.14
  Old Linux, CPU only                        | linux x86_64 3.12  | glibc=2.17 | none          | 2.6.0 @ cpu
  Newer Linux, CPU only                      | linux x86_64 3.12  | glibc=2.36 | none          | 2.14.1 @ cpu
  Alpine                                     | linux x86_64 3.12  | musl       | none          | no: musl
  Raspberry Pi or Graviton, CPU only         | linux aarch64 3.12 | -          | none          | 2.14.1 @ cpu
  Arm CPU only, Python 3.9                   | linux aarch64 3.9  | -          | none          | 2.8.0 @ pypi
  Grace Hopper, 550 driver                   | linux aarch64 3.12 | 550.90.07  | GH200         | 2.14.1 @ cu126
  Grace Hopper, 580 driver                   | linux aarch64 3.12 | 580.95.05  | GH200         | 2.15.0 @ pypi
  Grace Hopper, 580 driver, Python 3.10      | linux aarch64 3.10 | 580.95.05  | GH200         | 2.14.1 @ pypi
  Grace Blackwell, 570 driver                | linux aarch64 3.12 | 570.124.06 | GB200         | 2.11.0 @ cu128
  DGX Spark                                  | linux aarch64 3.12 | 580.95.05  | GB10          | 2.15.0 @ pypi
  Jetson Orin, JetPack 6                     | linux aarch64 3.10 | jetson l4t=36.4 | Jetson Orin | 2.8.0 @ jetson
  Jetson Orin, another Python                | linux aarch64 3.12 | jetson l4t=36.4 | Jetson Orin | no: JetPack
  Jetson Nano                                | linux aarch64 3.8  | jetson l4t=32.7 | Jetson Nano | no: JetPack
  Jetson Xavier                              | linux aarch64 3.8  | jetson l4t=35.4 | 7.2         | no: JetPack
  Jetson Thor                                | linux aarch64 3.12 | jetson l4t=38.2 | Jetson Thor | 2.15.0 @ pypi
  AMD MI300X                                 | linux x86_64 3.12  | -          | 8xMI300X      | 2.14.1 @ rocm7.2
  AMD MI250X                                 | linux x86_64 3.12  | -          | MI250X        | 2.14.1 @ rocm7.2
  AMD MI355X                                 | linux x86_64 3.12  | -          | MI355X        | 2.14.1 @ rocm7.2
  AMD RX 7900 XTX                            | linux x86_64 3.12  | -          | RX 7900 XTX   | 2.14.1 @ rocm7.2
  AMD RX 9070 XT, Python 3.9                 | linux x86_64 3.9   | -          | RX 9070 XT    | 2.8.0 @ rocm6.4
  AMD Strix Halo                             | linux x86_64 3.12  | -          | gfx1151       | 2.14.1 @ rocm7.2
  AMD RX 6600, not in any build              | linux x86_64 3.12  | -          | RX 6600       | no: no code for RX 6600
  AMD on Windows                             | windows AMD64 3.12 | -          | RX 7900 XTX   | 2.15.0 @ pypi
  Mac, Apple silicon                         | macos arm64 3.12   | macos=15.1 | none          | 2.15.0 @ pypi
  Mac, Apple silicon, macOS 13               | macos arm64 3.12   | macos=13.6 | none          | 2.11.0 @ pypi
  Mac, Apple silicon, Python 3.10            | macos arm64 3.10   | macos=14.1 | none          | 2.14.1 @ pypi
  Mac, Apple silicon, Python 3.9             | macos arm64 3.9    | macos=14.1 | none          | 2.8.0 @ pypi
  Mac, Intel                                 | macos x86_64 3.11  | macos=13.6 | none          | 2.2.2 @ pypi
  Mac, Intel, Python too new                 | macos x86_64 3.13  | macos=15.1 | none          | no: Python 3.8 to 3.12
  Mac, x86_64 Python under Rosetta           | macos x86_64 3.11  | rosetta    | none          | no: arm64
  Windows, CPU only                          | windows AMD64 3.12 | -          | none          | 2.15.0 @ pypi
  Windows, Ampere, current driver            | windows AMD64 3.12 | 581.95     | RTX 3050      | 2.14.1 @ cu130
  Windows, Ada, 12.x driver                  | windows AMD64 3.12 | 551.61     | RTX 4090      | 2.14.1 @ cu126
  Windows, Blackwell, 12.8 driver            | windows AMD64 3.12 | 571.96     | RTX 5080      | 2.11.0 @ cu128
  Windows, Blackwell, current driver         | windows AMD64 3.12 | 591.44     | RTX 5090      | 2.14.1 @ cu130
  Windows, Pascal                            | windows AMD64 3.12 | 581.95     | GTX 1070      | 2.14.1 @ cu126
  Windows, 472 driver                        | windows AMD64 3.11 | 472.50     | RTX 3060      | 2.7.1 @ cu118
  Windows, 526 driver: Linux would do        | windows AMD64 3.11 | 526.98     | RTX 3060      | 2.7.1 @ cu118
  Windows, 441 driver                        | windows AMD64 3.11 | 441.22     | RTX 2060      | no: driver
  Windows on Arm                             | windows arm64 3.12 | -          | none          | no: no wheels for windows arm64
  32-bit Arm                                 | linux armv7l 3.11  | -          | none          | no: no wheels for linux armv7l
  POWER                                      | linux ppc64le 3.11 | -          | V100          | no: no wheels for linux ppc64le
"""


def cases() -> list[tuple[str, Machine, str]]:
    """The rows of the matrix as machines with their answers."""
    found = []
    for line in MATRIX.strip().splitlines():
        name, where, extra, gpus, answer = (cell.strip() for cell in line.split("|"))
        found.append((name, machine(where, extra, gpus), answer))
    return found


def machine(where: str, extra: str, gpus: str) -> Machine:
    system, arch, python = where.split()
    fields: dict[str, object] = {}
    for word in extra.split():
        key, _, value = word.partition("=")
        if key[0].isdigit():
            fields["driver"] = key
        elif key in ("musl", "glibc"):
            fields["libc"] = f"{key} {value}".strip()
        elif key == "macos":
            fields["os_version"] = value
        elif key == "l4t":
            fields["l4t"] = value
        elif key in ("jetson", "rosetta"):
            fields[key] = True
    found = []
    for gpu in gpus.split(", ") if gpus != "none" else []:
        count, x, model = gpu.partition("x")
        found += [gpu_named(model)] * int(count) if x and count.isdigit() else [gpu_named(gpu)]
    return Machine(
        system=system,
        arch=arch,
        python=python.rstrip("t"),
        free_threaded=python.endswith("t"),
        gpus=tuple(found),
        **fields,  # type: ignore[arg-type]
    )


CASES = cases()


def test_the_matrix_is_large() -> None:
    assert len({name for name, _, _ in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize(("described", "expected"), [(m, a) for _, m, a in CASES], ids=[name for name, _, _ in CASES])
def test_known_answer(described: Machine, expected: str) -> None:
    answer = choose(described)
    if expected.startswith("no:"):
        assert isinstance(answer, Impossible), answer
        assert expected[3:].strip() in " ".join((answer.reason, *answer.do))
        assert answer.do
    else:
        assert isinstance(answer, Choice), answer
        assert f"{answer.torch} @ {answer.index.name}" == expected
        assert answer.commands
        assert answer.why


# Columns: what is asked | machine as above | --torch | --cuda | answer
ASKED = """
  a minor version means its newest patch  | linux x86_64 3.12 | 535.104.05 | A100 | 2.7   | -       | 2.7.1 @ pypi
  an exact version                        | linux x86_64 3.12 | 535.104.05 | A100 | 2.9.0 | -       | 2.9.0 @ pypi
  version and CUDA                        | linux x86_64 3.12 | 535.104.05 | A100 | 2.6   | 12.4    | 2.6.0 @ pypi
  CUDA by its index                       | linux x86_64 3.12 | 580.95.05  | A100 | -     | cu126   | 2.14.1 @ cu126
  CUDA 11.8 on a new driver               | linux x86_64 3.12 | 580.95.05  | A100 | -     | 11.8    | 2.7.1 @ cu118
  experimental CUDA when asked for        | windows AMD64 3.12 | 591.44    | A100 | -     | 13.2    | 2.14.1 @ cu132
  a CPU build on a machine with a GPU     | linux x86_64 3.12 | 580.95.05  | A100 | -     | cpu     | 2.14.1 @ cpu
  a CUDA build for another machine        | linux x86_64 3.12 | -          | none | 2.6   | 12.4    | 2.6.0 @ pypi
  a ROCm build                            | linux x86_64 3.12 | -          | none | -     | rocm6.4 | 2.9.1 @ rocm6.4
  a torch without code for the GPU        | linux x86_64 3.12 | 580.95.05  | V100 | 2.15  | -       | no: torch 2.14.1 for CUDA 12.6 works
  a torch that the driver cannot run      | linux x86_64 3.12 | 535.104.05 | A100 | 2.15  | -       | no: torch 2.14.1 for CUDA 12.6 works
  a CUDA that is not made for the system  | macos arm64 3.12  | macos=15.1 | none | -     | 12.6    | no: not published for macos arm64
  an unconfirmed build, asked for by name | linux x86_64 3.12 | 580.95.05  | A100 | 2.15  | cu130   | 2.15.0 @ cu130
  the same on a GPU that CUDA 13 dropped  | linux x86_64 3.12 | 580.95.05  | V100 | 2.15  | cu130   | no: V100
"""


@pytest.mark.parametrize("line", ASKED.strip().splitlines(), ids=lambda line: line.split("|")[0].strip())
def test_known_answer_to_a_wish(line: str) -> None:
    _, where, extra, gpus, torch, build, expected = (cell.strip() for cell in line.split("|"))
    answer = choose(machine(where, extra, gpus), Wish(None if torch == "-" else torch, None if build == "-" else build))
    if expected.startswith("no:"):
        assert isinstance(answer, Impossible), answer
        assert expected[3:].strip() in " ".join((answer.reason, *answer.do))
    else:
        assert isinstance(answer, Choice), answer
        assert f"{answer.torch} @ {answer.index.name}" == expected
