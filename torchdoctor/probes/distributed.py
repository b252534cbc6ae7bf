"""Several processes together: what is built in, what the launcher says, and a real process group."""

from __future__ import annotations

import os
import socket
import sys

from torchdoctor.declare import probe
from torchdoctor.facts import Addresses, CollectiveRuns, DistributedBuild, LaunchEnv

PREFIXES = ("SLURM_", "OMPI_COMM_WORLD_", "PMI_", "PMIX_", "JSM_NAMESPACE_", "MV2_COMM_WORLD_", "TORCHELASTIC_", "GROUP_", "ROLE_")
NAMES = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "NODE_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "LSB_JOBID",
    "NCCL_SOCKET_IFNAME",
    "GLOO_SOCKET_IFNAME",
)
COLLECTIVE_SECONDS = 30.0


@probe(lane="torch", timeout=30)
def distributed_build() -> DistributedBuild:
    """Which backends ``torch.distributed`` has."""
    import torch.distributed as dist

    if not dist.is_available():
        return DistributedBuild(False)

    def ask(name: str) -> bool | None:
        question = getattr(dist, f"is_{name}_available", None)
        return None if question is None else bool(question())

    other = ("xccl",) if ask("xccl") else ()
    gloo = ask("gloo")
    if gloo is None:  # older torch cannot be asked, and has gloo wherever it has torch.distributed
        gloo = hasattr(dist, "ProcessGroupGloo")
    return DistributedBuild(True, ask("nccl"), gloo, ask("mpi"), ask("ucc"), other)


@probe(lane="host", timeout=10)
def launch_env() -> LaunchEnv:
    """The variables of launchers, as they are set for this process."""
    return LaunchEnv({k: v for k, v in sorted(os.environ.items()) if k in NAMES or k.startswith(PREFIXES)})


def _resolve(name: str) -> tuple[tuple[str, ...], str]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return (), str(error)
    return tuple(dict.fromkeys(str(item[4][0]) for item in found)), ""


@probe(lane="host", timeout=10)
def addresses() -> Addresses:
    """Where MASTER_ADDR leads and whether MASTER_PORT is free, without connecting to anything. A name server that hangs meets the deadline."""
    import psutil

    interfaces = psutil.net_if_addrs()
    up = tuple(name for name, state in psutil.net_if_stats().items() if state.isup and name in interfaces)
    mine = {a.address.split("%")[0] for found in interfaces.values() for a in found}
    master, port_text = os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT", "")
    hostname, _ = _resolve(socket.gethostname())
    resolved, error = _resolve(master) if master else ((), "")
    local = bool(set(resolved) & mine) if resolved else None
    port = int(port_text) if port_text.isdigit() else None
    free = None
    if port is not None and 0 < port < 65536 and local and os.environ.get("RANK", "0") == "0":
        with socket.socket(socket.AF_INET6 if ":" in resolved[0] else socket.AF_INET) as sock:
            if sys.platform != "win32":  # there SO_REUSEADDR would let the bind succeed on a port in use
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((resolved[0], port))
                free = True
            except OSError:
                free = False
    return Addresses(
        master=master,
        resolved=resolved,
        resolve_error=error,
        local=local,
        port=port,
        port_free=free,
        hostname_resolves=bool(hostname),
        hostname_loopback=bool(hostname) and all(a.startswith("127.") or a == "::1" for a in hostname),
        interfaces=up,
    )


def _gpu_count(fork: bool) -> int:
    """How many GPUs torch sees, asked in a process of its own, because this one must not touch them before it forks."""
    import torch

    if not (torch.version.cuda or getattr(torch.version, "hip", None)):
        return 0
    if not fork or sys.platform == "win32":
        return int(torch.cuda.device_count())
    read_fd, write_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write_fd, str(torch.cuda.device_count() if torch.cuda.is_available() else 0).encode())
        finally:
            os._exit(0)
    os.close(write_fd)
    with os.fdopen(read_fd) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return int(text or 0)


@probe(lane="group", timeout=2 * COLLECTIVE_SECONDS + 5)
def collective_runs() -> CollectiveRuns:
    """Two local ranks on the CPU by gloo, and on two GPUs by NCCL where there are two."""
    import torch.distributed as dist

    if not dist.is_available():
        return CollectiveRuns(not_run="torch.distributed is not built in")
    from torchdoctor.work.collective import run_collective

    fork = sys.platform.startswith("linux") and _clean_to_fork()
    runs = []
    if getattr(dist, "is_gloo_available", lambda: True)():
        runs.append(run_collective("gloo", ["cpu", "cpu"], COLLECTIVE_SECONDS, fork))
    if dist.is_nccl_available() and _gpu_count(fork) >= 2:
        runs.append(run_collective("nccl", ["cuda:0", "cuda:1"], COLLECTIVE_SECONDS, fork))
    return CollectiveRuns(tuple(runs), "" if runs else "neither gloo nor NCCL is built in")


def _clean_to_fork() -> bool:
    """No autoloaded backend and no initialised CUDA in this process, either of which a fork would break."""
    import torch

    name = getattr(torch._C, "_get_privateuse1_backend_name", lambda: "privateuseone")()
    return name == "privateuseone" and not bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
