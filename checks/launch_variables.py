"""RANK, WORLD_SIZE and their company are set together and fit each other.

Why: init_process_group reads them when no store is given. A variable left from an earlier job, or set by one launcher and not by another, makes
every rank wait for ranks that do not exist.
Seen as: "environment variable RANK expected, but not set", a rendezvous that times out, a program that hangs before its first step.
Source: torch/distributed/run.py describes each variable.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, fail, info, ok, skip, warn
from torchdoctor.facts import LaunchEnv

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
NUMBERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_PORT")
LAUNCH = Fix("Start the program with torchrun, which sets them all.", ("torchrun --standalone --nproc-per-node=gpu train.py",))
UNSET = Fix(
    "If no job of several processes is meant, remove them.", ("unset RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT",)
)


def number(env: LaunchEnv, name: str) -> Optional[int]:
    """The variable as a whole number, or None where it is unset or no number."""
    try:
        return int(env.values.get(name, ""))
    except ValueError:
        return None


@check("TD502", group="distributed")
def launch_variables(env: LaunchEnv) -> Findings:
    present = [name for name in (*NEEDED, "LOCAL_RANK", "LOCAL_WORLD_SIZE") if name in env.values]
    if not {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"} & set(present):
        yield skip("no launcher has set a rank or a world size")
        return
    seen = [("env", " ".join(f"{name}={env.values[name]}" for name in present))]
    wrong = [n for n in NUMBERS if n in env.values and number(env, n) is None]
    if wrong:
        yield fail(f"{' and '.join(wrong)} must be whole numbers", seen, [LAUNCH, UNSET], cause="dist-env-missing")
    missing = [name for name in NEEDED if name not in env.values]
    if missing:
        alone = env.values.get("WORLD_SIZE", "1") == "1" and number(env, "RANK") in (None, 0)
        yield (warn if alone else fail)(
            f"{' and '.join(present)} set, but not {' and '.join(missing)}", seen, [LAUNCH, UNSET], cause="dist-env-missing"
        )
    elif "LOCAL_RANK" not in env.values:
        yield info("LOCAL_RANK is not set: programs that choose their GPU by it would all take the first one", seen)
    yield from _ranges(env, seen)
    yield ok(seen[0][1])


def _ranges(env: LaunchEnv, seen: list[tuple[str, str]]) -> Findings:
    rank, size = number(env, "RANK"), number(env, "WORLD_SIZE")
    local_rank, local_size = number(env, "LOCAL_RANK"), number(env, "LOCAL_WORLD_SIZE")
    port = number(env, "MASTER_PORT")
    problems = []
    if size is not None and size < 1:
        problems.append(f"WORLD_SIZE={size} must be at least 1")
    if rank is not None and size is not None and not 0 <= rank < size:
        problems.append(f"RANK={rank} is not below WORLD_SIZE={size}")
    if local_rank is not None and local_size is not None and not 0 <= local_rank < local_size:
        problems.append(f"LOCAL_RANK={local_rank} is not below LOCAL_WORLD_SIZE={local_size}")
    if local_size is not None and size is not None and local_size > size:
        problems.append(f"LOCAL_WORLD_SIZE={local_size} is above WORLD_SIZE={size}")
    if local_rank is not None and rank is not None and local_rank > rank:
        problems.append(f"LOCAL_RANK={local_rank} is above RANK={rank}")
    if port is not None and not 1 <= port <= 65535:
        problems.append(f"MASTER_PORT={port} is no port (1 to 65535)")
    for problem in problems:
        yield fail(problem, seen, [LAUNCH, UNSET], cause="world-size-mismatch")
    if not problems and local_size and size and size % local_size:
        yield warn(f"WORLD_SIZE={size} is not a multiple of LOCAL_WORLD_SIZE={local_size}", seen, [LAUNCH], cause="world-size-mismatch")
