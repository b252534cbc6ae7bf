"""MASTER_ADDR leads somewhere, and MASTER_PORT is free where rank 0 will listen.

Why: rank 0 opens a store at this address and all others connect to it. A name that does not resolve, or a port that an earlier job still
holds, fails only after the ranks have started, on some of them.
Seen as: "Address already in use", "The hostname of the client socket cannot be retrieved", a timeout of the store.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, skip, warn
from torchdoctor.facts import Addresses, LaunchEnv

LOOPBACK = ("127.", "::1", "0.0.0.0")


@check("TD505", group="distributed")
def rendezvous_address(addresses: Addresses, env: LaunchEnv) -> Findings:
    if addresses.master is None:
        yield skip("MASTER_ADDR is not set")
        return
    values = env.values
    seen = [("env", f"MASTER_ADDR={addresses.master} MASTER_PORT={values.get('MASTER_PORT')}")]
    if not addresses.resolved:
        fix = Fix("Use the IP address of rank 0's machine, or add the name to DNS or /etc/hosts on every node.")
        yield fail(f"{addresses.master} does not resolve here: {addresses.resolve_error}", seen, [fix], cause="hostname-not-resolvable")
        return
    seen.append(("resolver", ", ".join(addresses.resolved)))
    size, local = values.get("WORLD_SIZE", ""), values.get("LOCAL_WORLD_SIZE", "")
    several_nodes = size.isdigit() and local.isdigit() and int(size) > int(local)
    if several_nodes and all(a.startswith(LOOPBACK) for a in addresses.resolved):
        fix = Fix("Set MASTER_ADDR to an address of rank 0's machine that the other nodes can reach.")
        yield fail(f"several nodes, but {addresses.master} is the loopback address", seen, [fix], cause="rendezvous-timeout")
    # Under torchrun the agent itself listens on this port, and the workers use its store.
    if addresses.port_free is False and "TORCHELASTIC_RUN_ID" not in values:
        port = addresses.port
        fixes = [
            Fix("End the job that still holds the port.", (f"ss -ltnp 'sport = :{port}'",)),
            Fix("Or take another port.", ("export MASTER_PORT=29501", "torchrun --standalone --nproc-per-node=gpu train.py")),
        ]
        yield fail(f"port {port} is in use on this machine", seen, fixes, cause="master-port-in-use")
    if addresses.hostname_resolves is False:
        yield warn(
            "this machine's own host name does not resolve",
            seen,
            [Fix("Add it to /etc/hosts.", who="admin")],
            cause="hostname-not-resolvable",
        )
    yield ok(f"{addresses.master} resolves to {', '.join(addresses.resolved)}", seen)
