"""A process may open enough files.

Why: each tensor that a DataLoader worker passes on holds a file descriptor until it is freed, and NCCL and the store open sockets for
each peer.
Seen as: "OSError: [Errno 24] Too many open files", "received 0 items of ancdata".
Threshold: less than 1024, the usual soft limit, is a warning.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import Limits

USUAL = 1024


@check("TD107", group="host")
def open_files_limit(limits: Limits) -> Findings:
    if limits.open_files is None:
        yield skip("this system has no limit of open files to read")
    elif 0 <= limits.open_files < USUAL:
        hard = limits.open_files_hard
        raise_to = hard if hard is not None and 0 < hard < 65536 else 65536
        yield warn(
            f"a process may open only {limits.open_files} files",
            [("RLIMIT_NOFILE", f"soft {limits.open_files}, hard {hard}")],
            [Fix("Raise the limit in the shell that starts training.", (f"ulimit -n {raise_to}",))],
            cause="too-many-open-files",
        )
    else:
        yield ok("unlimited open files" if limits.open_files < 0 else f"{limits.open_files} open files")
