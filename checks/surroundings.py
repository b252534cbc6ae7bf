"""Whether this is a container, a virtual machine or the machine itself.

Why: most differences between "works on the node" and "fails in the job" are limits and devices that a container does or does not pass
on. This check only tells which it is; the checks of limits judge what follows from it.
"""

from __future__ import annotations

from torchdoctor.api import Findings, check, ok
from torchdoctor.facts import Host


@check("TD102", group="host")
def surroundings(host: Host) -> Findings:
    inside = [f"a {host.container} container" if host.container != "container" else "a container"] if host.container else []
    inside += [f"a virtual machine ({host.virtual_machine})"] if host.virtual_machine else []
    inside += [f"WSL {host.wsl}"] if host.wsl else []
    yield ok("in " + " on ".join(inside) if inside else "directly on the machine", [("platform", host.hostname)])
