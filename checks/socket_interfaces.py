"""NCCL_SOCKET_IFNAME and GLOO_SOCKET_IFNAME name interfaces that exist here.

Why: the names differ between machines (eth0, ens5, bond0, ib0). A value copied from another cluster leaves NCCL without an interface.
Seen as: "Bootstrap : no socket interface found", gloo's "unable to find address for: eth0".
Source: NCCL's documentation of the variable: a list of prefixes, ^ excludes, = asks for exact names.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, skip
from torchdoctor.facts import Addresses, LaunchEnv

CAUSES = {"NCCL_SOCKET_IFNAME": "nccl-socket-ifname", "GLOO_SOCKET_IFNAME": "gloo-wrong-interface"}


def fits(variable: str, value: str, interfaces: tuple[str, ...]) -> bool:
    """Whether the value leaves at least one interface."""
    if variable == "GLOO_SOCKET_IFNAME":
        return all(name in interfaces for name in value.split(","))
    excluding, exact = value.startswith("^"), value.lstrip("^").startswith("=")
    names = value.lstrip("^").lstrip("=").split(",")

    def named(interface: str) -> bool:
        return any(interface == n if exact else interface.startswith(n) for n in names)

    return any(named(i) is not excluding for i in interfaces)


@check("TD506", group="distributed")
def socket_interfaces(addresses: Addresses, env: LaunchEnv) -> Findings:
    given = {name: env.values[name] for name in CAUSES if env.values.get(name)}
    if not given:
        yield skip("neither NCCL_SOCKET_IFNAME nor GLOO_SOCKET_IFNAME is set")
        return
    for name, value in given.items():
        if not fits(name, value, addresses.interfaces):
            seen = [("env", f"{name}={value}"), ("system", f"interfaces that are up: {', '.join(addresses.interfaces)}")]
            fix = Fix("Unset it, so that an interface is chosen, or name one that exists.", (f"unset {name}",))
            yield fail(f"{name}={value} fits no interface of this machine", seen, [fix], cause=CAUSES[name])
    yield ok(", ".join(f"{k}={v}" for k, v in given.items()))
