"""What every cause of the catalogue has to keep: run with ``-k SLUG`` for one."""

from __future__ import annotations

import csv
import importlib.resources
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.contract import linear
from torchdoctor.causes import catalogue
from torchdoctor.diagnose import rewrite
from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.literals import bounded, literal_of
from torchdoctor.diagnose.match import REACH
from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.situation import FIELDS, Situation, holds
from torchdoctor.model import Answer, Cause, Sign
from torchdoctor.ranks import WORDS
from torchdoctor.template import placeholders

CAUSES = tuple(catalogue().causes.values())
SLUGS = frozenset(catalogue().causes)
LONGEST_RUN = 24
"""Characters of an unbounded repetition, several in one match: a name, a number."""
_PROGRAMS = """
    pip python python3 uv conda mamba poetry pipx torchrun accelerate deepspeed ray jupyter huggingface-cli hf git git-lfs spacy vllm
    sudo apt apt-get dnf yum brew snap systemctl modprobe rmmod lsmod nvidia-smi nvidia-ctk nvidia-modprobe nvcc rocm-smi rocminfo amd-smi
    docker podman kubectl srun sbatch scontrol sacct squeue scancel singularity apptainer module mpirun mpiexec ssh scp
    export unset set setx ls cat grep df du free ps kill lsof fuser ss netstat ip ifconfig ping nc curl wget dmesg journalctl ulimit mount umount
    echo cd mv rm mkdir ln ldd ldconfig find which where file strings gcc g++ make cmake ninja uname sysctl powershell wsl
    xcode-select softwareupdate sw_vers ibstat ibstatus ibv_devinfo ethtool dcgmi nvidia-bug-report.sh reboot compute-sanitizer cuda-gdb gdb
    py-spy strace lscpu lspci nproc numactl taskset taskkill tasklist netsh ipconfig winget choco head tail sed awk sha256sum md5sum timeout
    chmod chown getent hostname hostnamectl resolvectl update-initramfs dkms mokutil prime-select ubuntu-drivers update-alternatives
    sycl-ls xpu-smi clinfo intel_gpu_top hl-smi tpu-info source . env test type command man readelf objdump nm c++filt patchelf
    vm_stat top htop swapon fallocate mkswap wmic sysdm.cpl sc reg Get-Process Remove-Item nvidia-persistenced nvidia-xconfig nvidia-cuda-mps-control quota gsutil aws gcloud
"""
PROGRAMS = frozenset(_PROGRAMS.split())


def ids(causes: tuple[Cause, ...]) -> list[str]:
    return [cause.slug for cause in causes]


def answer_to(text: str) -> Answer:
    log = read_text(text, "-")
    situation, _ = gather(log, None, local=False)
    return diagnose(log, situation)


def patterns_of(cause: Cause) -> Iterator[str]:
    yield from cause.unless
    for sign in cause.signs:
        yield from (sign.pattern, *sign.also, *sign.unless)


def groups_of(sign: Sign) -> set[str]:
    return {name for pattern in (sign.pattern,) for name in re.compile(pattern).groupindex}


each_cause = pytest.mark.parametrize("cause", CAUSES, ids=ids(CAUSES))


@each_cause
def test_it_is_described_and_named(cause: Cause) -> None:
    assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", cause.slug)
    assert cause.title and not cause.title.endswith(".")
    assert cause.why.strip()
    assert cause.signs
    assert cause.fixes
    assert "!" not in re.sub(r"!=|\w!", "", cause.title + cause.why)


@each_cause
def test_it_has_examples_and_counterexamples(cause: Cause) -> None:
    assert cause.examples
    assert cause.counterexamples


@each_cause
def test_each_example_is_matched_and_ranked_first(cause: Cause) -> None:
    for text in cause.examples:
        said = [diagnosis.cause for diagnosis in answer_to(text).diagnoses]
        assert said[:1] == [cause.slug], f"said {said} of\n{text}"


@each_cause
def test_no_counterexample_claims_it(cause: Cause) -> None:
    for text in cause.counterexamples:
        said = [diagnosis.cause for diagnosis in answer_to(text).diagnoses]
        assert cause.slug not in said[:1], f"claimed for\n{text}"


@each_cause
def test_it_names_causes_that_exist(cause: Cause) -> None:
    assert not {slug for slug in (*cause.explains, *cause.refines) if slug not in SLUGS}
    assert cause.slug not in (*cause.explains, *cause.refines)


@each_cause
def test_its_conditions_can_be_read(cause: Cause) -> None:
    for condition in (*cause.refuted, *cause.confirmed, *(fix.when for fix in cause.fixes if fix.when)):
        holds(condition, Situation())
        holds(condition, Situation(os="linux", torch="2.4.1", world_size=2, wsl=False))


@each_cause
def test_its_placeholders_are_known_or_have_other_words(cause: Cause) -> None:
    known = set().union(*map(groups_of, cause.signs)) | FIELDS | {"rank", "host", "exception", "message", "advice", "which"} | WORDS
    texts = [cause.title, cause.why, cause.decide, cause.wrong_advice]
    texts += [text for fix in cause.fixes for text in (fix.do, fix.code or "", *fix.commands)]
    for text in texts:
        assert not {name for name, _ in placeholders(text) if name not in known}, text
    for text in (cause.title, cause.why):
        always = set.intersection(*map(groups_of, cause.signs))
        assert not {name for name, falls_back in placeholders(text) if not falls_back and name not in always}, f"needs other words: {text}"


@each_cause
def test_one_fix_is_always_offered(cause: Cause) -> None:
    assert any(
        not fix.when and all(falls_back for text in (fix.do, fix.code or "", *fix.commands) for _, falls_back in placeholders(text))
        for fix in cause.fixes
    )


@each_cause
def test_its_commands_can_be_copied(cause: Cause) -> None:
    for fix in cause.fixes:
        for command in fix.commands:
            filled = re.sub(r"\{\w+(?:\|([^{}]*))?\}", lambda found: found[1] or "name", command).replace("{{", "{").replace("}}", "}")
            words = shlex.split(filled)
            program = next((word for word in words if not re.fullmatch(r"[A-Za-z_]\w*=.*", word)), "export")
            assert program.rsplit("/", 1)[-1] in PROGRAMS or program.startswith("./"), f"{program!r} of {command!r} is not on the list"
            assert not command.startswith(("$ ", "> ", "% ")), command


@each_cause
def test_its_rewriting_exists(cause: Cause) -> None:
    assert not cause.patch or cause.patch in rewrite.REWRITINGS


@each_cause
def test_its_patterns_compile_and_have_a_literal(cause: Cause) -> None:
    for sign in cause.signs:
        assert len(literal_of(sign.pattern)) >= 4, sign.pattern
    for pattern in patterns_of(cause):
        re.compile(pattern)
        assert "\n" not in pattern and r"\n" not in pattern, f"line breaks are spaces: {pattern}"


@each_cause
def test_the_literal_of_a_pattern_is_in_every_match(cause: Cause) -> None:
    """Against Python's own parser: the index may be shorter than possible, never wrong."""
    for pattern in patterns_of(cause):
        literal = literal_of(pattern)
        runs = [run.lower() for run in linear.literals(linear.parsed(pattern))]
        assert any(literal in run for run in runs), (pattern, literal, runs)


@each_cause
def test_no_match_reaches_further_than_is_searched(cause: Cause) -> None:
    for pattern in patterns_of(cause):
        assert linear.widest(bounded(pattern, LONGEST_RUN)) <= REACH, pattern


@each_cause
def test_its_patterns_take_linear_time(cause: Cause) -> None:
    for pattern in patterns_of(cause):
        assert not linear.faults(pattern), pattern


def test_every_slug_of_the_contract_is_there() -> None:
    table = importlib.resources.files("torchdoctor.data").joinpath("causes.tsv")
    if not table.is_file():
        pytest.skip("the table of the contract is not in this tree")
    slugs = {row["cause"] for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t")}
    assert not sorted(slugs - SLUGS)


_WORST = """
import json, sys
from torchdoctor.diagnose.literals import literal_of
from torchdoctor.diagnose.log import Line, make_stream
from torchdoctor.diagnose.match import Searched
for pattern, unit, size in json.load(sys.stdin):
    print(json.dumps([pattern, unit]), flush=True)
    text = unit * (size // len(unit) + 1) + " " + literal_of(pattern)
    searched = Searched(make_stream((Line("-", 1, text),)))
    sum(1 for _ in zip(range(64), searched.matches(pattern)))
"""


@pytest.mark.slow
def test_a_line_of_a_million_repetitions_ends() -> None:
    """A deadline far above what it takes, so that only a pattern that explodes can miss it."""
    work = [
        (pattern, unit, 1_000_000 if index == 0 else 100_000)
        for cause in CAUSES
        for pattern in dict.fromkeys(patterns_of(cause))
        for index, unit in enumerate(linear.worst_units(pattern))
    ]
    try:
        subprocess.run([sys.executable, "-c", _WORST], input=json.dumps(work), text=True, capture_output=True, check=True, timeout=1800)
    except subprocess.TimeoutExpired as error:
        last = (error.stdout or b"").decode().splitlines()[-1:]
        pytest.fail(f"still at {last}")
