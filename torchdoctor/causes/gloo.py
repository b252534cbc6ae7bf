"""The Gloo backend: addresses, devices, options it does not have."""

from __future__ import annotations

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="gloo-wrong-interface",
        title="Gloo announces an address that the other processes cannot reach",
        why="Gloo binds to the address that this machine's host name resolves to. Where that is a loopback address (127.0.1.1 in "
        "/etc/hosts) or an interface that the peers have no route to, they cannot connect; a wrong GLOO_SOCKET_IFNAME has no address "
        "at all.",
        signs=(
            Sign(r"gloo/transport/\w+/\w+\.cc.{0,80}Unable to find address for: (?P<interface>[\w.-]{1,60})"),
            Sign(r"ifa != nullptr\. Unable to find address for"),
            Sign(r"Unable to find (?:interface|address) for: (?P<interface>[\w.-]{1,60})", FAIR),
            Sign(r"connect \[(?P<address>127\.\d+\.\d+\.\d+)\]:\d+: Connection (?:refused|timed out)"),
            Sign(
                r"connect \[(?P<address>[\da-fA-F:.]{2,60})\]:\d+: (?:Connection refused|Connection timed out|No route to host|Network is "
                r"unreachable|Cannot assign requested address)",
                also=(r"gloo",),
            ),
            Sign(r"Gloo connectFullMesh failed with", FAIR),
            Sign(r"timed out connecting: SO_ERROR: .{0,60}remote=\[(?P<address>127\.\d+\.\d+\.\d+)\]"),
            Sign(r"timed out connecting: SO_ERROR: ", FAIR),
            Sign(r"Connect timeout \[(?P<address>[\da-fA-F:.]{2,60})\]:\d+", FAIR, also=(r"gloo",)),
            Sign(r"unable to find interface (?P<interface>[\w.-]{1,60})", FAIR, also=(r"gloo|makeDevice",)),
            Sign(r"connectFullMesh", FAIR, unless=(r"Connection (?:closed|reset) by peer",)),
            Sign(
                r"Unable to resolve hostname to a \(local\) address",
                WEAK,
                also=(r"gloo.{0,60}(?:timed out|refused|failed)|connectFullMesh",),
            ),
            Sign(r"enforce fail at .{0,80}gloo/transport/\w+/device\.cc", FAIR),
            Sign(r"gloo/transport/\w+/\w+\.cc:\d+\] (?:rv != -1|ret == 0|rv == 0)", FAIR),
            Sign(r"gloo/transport/tcp/pair\.cc:\d+\] no error", FAIR),
        ),
        fixes=(
            Fix(
                do="Set GLOO_SOCKET_IFNAME on every node to the network interface that the nodes reach each other through (its name as "
                "`ip -br addr` shows it on that node); unset it where it names one that does not exist.",
                commands=("ip -br addr", "export GLOO_SOCKET_IFNAME=eth0"),
            ),
            Fix(
                do="Correct /etc/hosts so that the machine's hostname resolves to its real address, not to 127.0.0.1 or 127.0.1.1.",
                commands=("getent hosts {host|$(hostname)}",),
                who="admin",
            ),
            Fix(
                do="On one machine, use the loopback interface for all processes: GLOO_SOCKET_IFNAME=lo (macOS: lo0).",
                commands=("export GLOO_SOCKET_IFNAME=lo",),
            ),
        ),
        explains=("peer-rank-died-elsewhere", "rendezvous-timeout"),
        examples=(
            "RuntimeError: [enforce fail at ../third_party/gloo/gloo/transport/tcp/device.cc:84] ifa != nullptr. Unable to find address "
            "for: enp5s0",
            "RuntimeError: Gloo connectFullMesh failed with [../third_party/gloo/gloo/transport/tcp/pair.cc:144] no error",
            "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:799] connect [127.0.1.1]:22761: Connection refused",
            "RuntimeError: Gloo connectFullMesh failed with timed out connecting: SO_ERROR: Connection refused, remote=[127.0.0.1]:14215",
        ),
        counterexamples=(
            "[W ProcessGroupGloo.cpp:724] Warning: Unable to resolve hostname to a (local) address. Using the loopback address as "
            "fallback. Manually set the network interface to bind to with GLOO_SOCKET_IFNAME. (function operator())\nepoch 0 done",
            "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.2]:51233",
        ),
    ),
    Cause(
        slug="gloo-device-ids-unsupported",
        title="barrier() got device_ids, which the Gloo backend does not support",
        why="The argument device_ids of barrier exists for NCCL only. The script was written for NCCL and runs with Gloo here (Windows, "
        "or CPU).",
        signs=(
            Sign(r"Function argument device_ids not supported for the selected backend"),
            Sign(r"device_ids not supported for the selected backend (?P<backend>\w+)"),
        ),
        fixes=(
            Fix(
                do="Leave device_ids out of the barrier call when the backend is gloo.",
                code='dist.barrier(device_ids=[local_rank] if dist.get_backend() == "nccl" else None)',
            ),
            Fix(do="On Windows one GPU needs no DDP at all: run a single process (for example device=0 instead of a list)."),
        ),
        examples=("RuntimeError: Function argument device_ids not supported for the selected backend gloo",),
        counterexamples=("ValueError: device_ids should not be None",),
    ),
    Cause(
        slug="gloo-windows-no-device",
        title="The Gloo backend of this Windows build of torch has no network device",
        why="Some Windows wheels (2.7 and newer) were built without the libuv transport of Gloo, so that no process group can be created "
        "with it, whatever the host name.",
        signs=(
            Sign(r"makeDeviceFor(?:Hostname|Interface)\(\): unsupported gloo device"),
            Sign(r"unsupported gloo device", FAIR),
        ),
        fixes=(
            Fix(
                do="Run in a single process without init_process_group (one GPU needs no process group), or use Linux or WSL2 with the "
                "nccl backend."
            ),
            Fix(
                do="Or install a torch version whose Windows wheel has Gloo's transport (2.6 and older, or a newer one with the fault "
                "mended) if your GPU allows it.",
                commands=("pip install torch==2.6.0 --index-url https://download.pytorch.org/whl/cu126",),
            ),
        ),
        examples=("    backend_class = ProcessGroupGloo(\nRuntimeError: makeDeviceForHostname(): unsupported gloo device",),
        counterexamples=("RuntimeError: Function argument device_ids not supported for the selected backend gloo",),
    ),
    Cause(
        slug="gloo-only-group-cuda-tensor",
        title="A CUDA tensor was sent through a process group that has no backend for it",
        why="The group was created with gloo for the CPU only (or with a device that this tensor is not on), so there is no backend for "
        "tensors of type {device|cuda}.",
        signs=(
            Sign(r"No backend type associated with device type (?P<device>cuda|mps|xpu|npu|hpu)"),
            Sign(r"ProcessGroupGloo::\w+: unsupported device type (?P<device>\w+)", STRONG),
            Sign(r"ProcessGroupGloo.{0,80}(?:unsupported|invalid) (?:device|tensor) type (?P<device>cuda|mps|xpu)"),
        ),
        fixes=(
            Fix(
                do='Create the group with a backend for both devices, "cpu:gloo,cuda:nccl" (just "nccl" on GPUs), or move the tensor to '
                "the CPU before the collective.",
                code='dist.init_process_group("cpu:gloo,cuda:nccl")',
            ),
        ),
        examples=("RuntimeError: No backend type associated with device type cuda",),
        counterexamples=("RuntimeError: No backend type associated with device type cpu",),
    ),
)
