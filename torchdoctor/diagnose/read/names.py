"""What the names of log files tell: rank and host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath
from typing import Optional

from torchdoctor.diagnose.read.lazy import Lazy

_TORCHRUN = Lazy(r"(?:^|.*/)attempt_\d{1,4}/(\d{1,6})/(?:stdout|stderr|error)\.\w{1,5}$", "attempt_")
_MPI_TREE = Lazy(r"(?:^|.*/)rank\.(\d{1,6})/(?:stdout|stderr)$", "/rank.")
_SLURM = Lazy(r"(?:slurm|job)[-_.]\d{1,12}[-_.](\d{1,6})\.(?:out|err|log|txt)(?:\.gz)?$", "slurm", "job")
_WORD = Lazy(r"(?:.*[^A-Za-z])?(?:rank|worker|proc|process|task|trainer|launcher|gpu)[-_.]?(\d{1,6})(?!\d)", flags=2)
_MASTER = Lazy(r".*[-_.](?:master|chief|head|leader)[-_.](\d{1,3})(?!\d)", "master", "chief", "head", "leader")
_NUMBER = Lazy(r"(.*?)(\d{1,6})((?:\.(?:log|out|err|txt|stdout|stderr|gz|jsonl?)){0,3})$")
_POD = Lazy(
    r"([a-z][a-z0-9-]{2,200}-(?:master|worker|launcher|node|chief|ps|head|trainer)-\d{1,6})(?:[-_.][a-z0-9]{1,10})?(?:[._].{0,40})?$", "-"
)
_HOST = Lazy(r"((?:node|gpu|host|dgx|cn|compute|nid|ip)[-_]?[\w-]{0,40}\d)(?:\.[\w.]{1,20})?$")


def rank_of(path: str) -> Optional[int]:
    """The rank that a file's name states by itself (``rank3.log``, ``attempt_0/3/stderr.log``, ``slurm-12_3.out``)."""
    path = path.replace("\\", "/")
    for pattern in (_TORCHRUN, _MPI_TREE):
        if found := pattern.match(path):
            return int(found[1])
    name = PurePath(path).name
    for pattern in (_SLURM, _WORD):
        if found := pattern.match(name):
            return int(found[1])
    return None


def host_of(path: str) -> Optional[str]:
    """The host or pod that a file's name states."""
    parts = PurePath(path.replace("\\", "/")).parts
    if parts and (found := _POD.match(parts[-1])):
        return found[1]
    for part in reversed(parts[-4:]):
        if found := _HOST.match(part):
            return found[1]
    return None


def ranks_of(paths: Sequence[str]) -> dict[str, Optional[int]]:
    """The rank of each of several files: what the name states, else a number in which the names differ."""
    known = {path: rank_of(path) for path in paths}
    masters = [path for path in paths if _MASTER.match(PurePath(path).name)]
    if masters:  # a job's master is rank 0, and its workers begin at 1
        known.update({path: None if rank is None else rank + 1 for path, rank in known.items()})
        known.update(dict.fromkeys(masters, 0))
    groups: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for path in paths:
        if known[path] is None and (found := _NUMBER.match(path)):
            groups[found[1], found[3]].append((int(found[2]), path))
    for members in groups.values():
        numbers = [number for number, _ in members]
        if len(members) > 1 and max(numbers) < 4 * len(members) + 8:
            known.update({path: number for number, path in members})
    return known
