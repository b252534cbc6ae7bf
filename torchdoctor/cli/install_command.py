"""``torchdoctor install-command``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from torchdoctor.wheels.choose import Answer
    from torchdoctor.wheels.machine import Gpu, Machine

NOTHING_WORKS = 1
_DESCRIBES = ("driver", "gpu", "system", "arch", "os_version", "libc", "jetson")
"""Options that describe another machine: with any of them nothing is read from this one."""


@click.command("install-command")
@click.option("--torch", metavar="VERSION", help="A certain torch, such as 2.6 (its newest patch release) or 2.7.1.")
@click.option("--cuda", "build", metavar="BUILD", help="A certain build: a CUDA version such as 12.6, cpu, rocm or rocm6.4.")
@click.option("--python", metavar="VERSION|PATH", help="For this Python: a version such as 3.12, or an interpreter or environment here.")
@click.option("--driver", metavar="VERSION", help="Describe another machine: its NVIDIA driver, such as 535.104.05.")
@click.option("--gpu", multiple=True, metavar="GPU", help="Its GPU: A100, 4xT4, 8.6, sm_120, MI300X, gfx1100, or none. Repeatable.")
@click.option("--system", metavar="SYSTEM", help="Its system: linux, windows or macos.")
@click.option("--arch", metavar="ARCH", help="Its processor: x86_64, aarch64 or arm64.")
@click.option("--os-version", metavar="VERSION", help="Its macOS version.")
@click.option("--libc", metavar="LIBC", help="Its C library: musl, or a glibc version such as 2.31.")
@click.option("--jetson", is_flag=True, help="It is a Jetson.")
@click.option("--installer", metavar="TOOL", help="What installs packages: pip, uv, conda, poetry or system.")
@click.option("--only-torch", is_flag=True, help="Leave torchvision and torchaudio out.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to write the answer."
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Print the command that installs a torch which works here, and why it is this one.

    Without options it looks at this machine. Options describe another one, or ask what a certain build needs:

    \b
      torchdoctor install-command
      torchdoctor install-command --driver 535.104 --gpu A100 --installer uv
      torchdoctor install-command --torch 2.6 --cuda 12.4

    Exit code: 0 there is a command; 1 nothing published works; 2 wrong usage.
    """
    from torchdoctor.report import install_command as report
    from torchdoctor.wheels.choose import UnknownWish, Wish, choose, wished
    from torchdoctor.wheels.reverse import needs

    wish = Wish(options["torch"], options["build"])
    try:
        rows = wished(wish)
    except UnknownWish as error:
        raise _usage(ctx, f"{error}", error.name, error.known) from None
    machine, notes = _machine(ctx, options)
    answer = choose(machine, wish, companions=not options["only_torch"])
    asked = needs(rows)[: 1 if wish.build and wish.torch else 3] if wish.torch or wish.build else ()
    page = report.Page(machine, answer, asked, notes)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    click.echo(report.json_text(page, _code(answer)) if options["format_"] == "json" else report.text(page))
    ctx.exit(_code(answer))


def _code(answer: Answer) -> int:
    from torchdoctor.wheels.choose import Choice

    return 0 if isinstance(answer, Choice) else NOTHING_WORKS


def _usage(ctx: click.Context, what: str, name: str, known: tuple[str, ...]) -> click.UsageError:
    """The error for a name that does not exist, with the nearest that does and the newest dozen of them."""
    from torchdoctor.suggest import did_you_mean

    close = did_you_mean(name, known)
    listed = ", ".join(known[-14:])
    return click.UsageError(f"{what}{close}{'. Known: ' if close else ': known are '}{listed}", ctx)


def _one_of(ctx: click.Context, kind: str, name: str | None, known: tuple[str, ...]) -> str | None:
    if name is None or name.lower() in known:
        return name.lower() if name else None
    raise _usage(ctx, f"unknown {kind} {name!r}", name, known)


def _machine(ctx: click.Context, options: dict[str, Any]) -> tuple[Machine, tuple[str, ...]]:
    """The machine that the options describe, or this one, and notes about what was assumed or not read."""
    from dataclasses import replace

    from torchdoctor.wheels.machine import INSTALLERS

    installer = _one_of(ctx, "installer", options["installer"], INSTALLERS)
    if any(options[name] for name in _DESCRIBES):
        return _described(ctx, options, installer or "pip")
    from torchdoctor.cli.this_machine import this_machine
    from torchdoctor.engine.patient import NoInterpreter

    python = options["python"]
    version = _version(python)
    try:
        machine, notes = this_machine(None if version else python)
    except NoInterpreter as error:
        raise click.UsageError(str(error), ctx) from None
    if version and _tag(version) != machine.python_tag:
        notes = (
            *notes,
            f"For Python {_tag(version)}; the one found here is {machine.python_tag}: run it in an environment of that version.",
        )
        machine = replace(machine, python=version.rstrip("t"), free_threaded=version.endswith("t"), executable=None, installed=None)
    return (replace(machine, installer=installer) if installer else machine), notes


def _version(python: str | None) -> str | None:
    """The Python version that the option gives, or None where it is a path or absent."""
    return python if python and re.fullmatch(r"3\.\d{1,2}(\.\d+)?t?", python) else None


def _tag(version: str) -> str:
    return ".".join(version.rstrip("t").split(".")[:2]) + ("t" if version.endswith("t") else "")


def _described(ctx: click.Context, options: dict[str, Any], installer: str) -> tuple[Machine, tuple[str, ...]]:
    from torchdoctor.wheels.machine import SYSTEMS, Machine

    assumed = []
    gpus = _gpus(ctx, options["gpu"])
    system = _one_of(ctx, "system", options["system"], SYSTEMS) or ("macos" if options["os_version"] else "linux")
    arch = options["arch"] or _arch_of(system, gpus, options["jetson"])
    python = options["python"]
    if python and not _version(python):
        raise click.UsageError(f"--python {python}: with a described machine give a version, such as 3.12", ctx)
    if not python:
        python = "{}.{}".format(*sys.version_info[:2])
        assumed.append(f"Python {python}")
    if options["driver"] and not re.fullmatch(r"\d+(\.\d+){0,3}", options["driver"]):
        raise click.UsageError(f"--driver {options['driver']}: give the number that nvidia-smi shows, such as 535.104.05", ctx)
    libc = options["libc"]
    machine = Machine(
        system=system,
        arch=arch,
        python=python.rstrip("t"),
        free_threaded=python.endswith("t"),
        driver=options["driver"],
        gpus=gpus,
        os_version=options["os_version"],
        libc=f"glibc {libc}" if libc and libc[0].isdigit() else libc,
        jetson=options["jetson"],
        installer=installer,
    )
    if not options["system"] and not options["os_version"]:
        assumed.append(f"{system} {arch}")
    return machine, ((f"Assumed, because not said: {', '.join(assumed)}.",) if assumed else ())


def _arch_of(system: str, gpus: tuple[Gpu, ...], jetson: bool) -> str:
    """The usual processor of such a machine."""
    from torchdoctor.wheels import table

    known = table.capabilities()
    if system == "macos":
        return "arm64"
    on_jetson = jetson or any(gpu.capability in known and known[gpu.capability].jetson for gpu in gpus if gpu.capability)
    return "aarch64" if on_jetson else "x86_64"


def _gpus(ctx: click.Context, words: tuple[str, ...]) -> tuple[Gpu, ...]:
    from torchdoctor.wheels.gpus import UnknownGpu, gpu_named, names

    found: list[Gpu] = []
    for word in words:
        if word.lower() == "none":
            continue
        counted = re.match(r"(\d{1,3})\s*[x×*]\s*(?=\D)(.+)$", word)
        count, name = (int(counted[1]), counted[2]) if counted else (1, word)
        try:
            found += [gpu_named(name)] * count
        except UnknownGpu as error:
            from torchdoctor.suggest import did_you_mean

            close = did_you_mean(name, {known.lower() for known in names()})
            raise click.UsageError(f"{error}{close}", ctx) from None
    return tuple(found)
