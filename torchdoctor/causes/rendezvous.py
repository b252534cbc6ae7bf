"""Meeting of the processes: the store, ports, addresses, host names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.ranks import Matches, Verdict, ranks_of
from torchdoctor.tracebacks import ends_in

_STORE_WORDS = r"TCPStore|c10d|torchrun|torch\.distributed|MASTER_ADDR|rendezvous|init_process_group"


def _fewer_joined(groups: Mapping[str, str], _: Any) -> bool:
    """Some processes never arrived at the store."""
    return int(groups["joined"]) < int(groups["world"])


def _first_group(groups: Mapping[str, str], _: Any) -> bool:
    """The barrier of the default process group (key 1 or 0), and not all arrived."""
    return int(groups["key"]) <= 1 and _fewer_joined(groups, _)


def _before_the_group(matches: Matches, _: Any) -> Verdict:
    """Once the group exists a message is of a rank, and another rank is late; before, the processes have not met."""
    return not ranks_of(matches)


CAUSES = (
    Cause(
        slug="rendezvous-timeout",
        title="The processes did not all meet at the master address in time",
        why="Every process connects to the store that rank 0 opens at MASTER_ADDR:MASTER_PORT (torchrun: --rdzv_endpoint). Some process "
        "never came, or the address is wrong, not reachable or blocked by a firewall, until the timeout ended the wait.",
        signs=(
            Sign(
                r"client socket has timed out after (?P<waited>\w+) while trying to connect to \((?P<address>[^,)]{1,120}), (?P<port>\d+)\)"
            ),
            Sign(r"client socket has timed out after (?P<waited>\w+) while trying to connect to (?P<address>[\w.-]{1,100}):(?P<port>\d+)"),
            Sign(r"client socket has timed out after \d+ ?m?s\b", FAIR),
            Sign(r"waiting for clients\. (?P<joined>\d+)/(?P<world>\d+) clients joined", test=_fewer_joined),
            Sign(
                r"store based barrier on rank:? ?\d+, for key: store_based_barrier_key:(?P<key>\d+) \(world_size=(?P<world>\d+), "
                r"(?:worker_count|num_workers_joined)=(?P<joined>\d+)",
                test=_first_group,
            ),
            Sign(r"waiting for workers\. (?P<joined>\d+)/(?P<world>\d+) workers joined", test=_fewer_joined),
            Sign(r"connect\(\) timed out\. Original timeout was (?P<waited>\d+) ?ms"),
            Sign(r"RuntimeError: connect\(\) timed out"),
            Sign(
                r"waitForInput: socket SocketImpl\(.{0,120}remote=\[(?P<address>[^\]]{1,100})\]:(?P<port>\d+)\) timed out after (?P<waited>\d+ ?ms)",
                FAIR,
                together=_before_the_group,
            ),
            Sign(r"TCPStore: (?:Connection refused|Connection timed out)"),
            Sign(r"host not found: Connection timed out", FAIR),
            Sign(r"\bhost not found: (?:Connection refused|No route to host)", FAIR),
            Sign(r"hostname of the rendezvous endpoint .{1,80} must be reachable"),
            Sign(
                r"client socket has failed to connect to .{1,80}No route to host.{0,400}failed to connect to .{1,80}No route to host",
                FAIR,
                unless=(r"\bepoch\b|\bloss\b|it/s\b",),
            ),
            Sign(r"Connection to etcd failed", FAIR),
            Sign(r"Timed out waiting for tasks to start\. Please check connectivity between servers"),
            Sign(r"DEADLINE_EXCEEDED: Barrier timed out", FAIR, also=(r"coordination|PjRT|jax",)),
            Sign(r"Failed to connect to coordination service", FAIR),
            Sign(r"ConnectionRefusedError: \[Errno 111\].{0,300}torch[/\\]distributed", FAIR),
            Sign(r"torch[/\\]distributed[/\\].{0,600}ConnectionRefusedError: \[", FAIR),
            Sign(r"client socket has failed to connect to any network address of \((?P<address>[^,)]{1,120}), (?P<port>\d+)\)"),
            Sign(r"RendezvousConnectionError: The connection to the C10d store has failed"),
            Sign(r"RendezvousTimeoutError", unless=(r"keep-alive heartbeat|exit barrier",)),
            Sign(r"TCP client failed to connect/validate to host (?P<address>[^:\s]{1,120}):(?P<port>\d+) - timed out"),
            Sign(r"(?:Timeout|Timed out) waiting for key: (?P<key>[\w/]{1,60}) after \d+ ms", FAIR, unless=(r"FileStore",)),
            Sign(
                r"TCPStore\(.{0,200}(?:RuntimeError|DistStoreError|DistNetworkError|TimeoutError): (?:Connection timed out|Connection "
                r"refused|No route to host|Socket Timeout)"
            ),
            Sign(
                r"rendezvous(?:_handler)?.{0,300}(?:DistStoreError|RuntimeError): (?:Socket Timeout|wait timeout|Wait timeout|Connection "
                r"timed out|Connection refused)",
                FAIR,
            ),
            Sign(
                r"RuntimeError: (?:Connection timed out|Connection refused|No route to host|Network is unreachable)",
                FAIR,
                also=(_STORE_WORDS,),
            ),
            Sign(r"client socket has failed to connect to .{0,80}errno: (?:110|111|113)", WEAK),
            Sign(r"DistStoreError: (?:Socket Timeout|wait timeout|Wait timeout)", FAIR),
            Sign(r"client socket has failed to connect to .{1,80}errno: 110\b", WEAK),
            ends_in("rendezvous/c10d_rendezvous_backend.py", "_create_tcp_store|create_backend|_call_store"),
        ),
        fixes=(
            Fix(
                do="Check that MASTER_ADDR (--master_addr, --rdzv_endpoint) is the address of the node of rank 0 as the other nodes reach "
                "it (not localhost or 127.0.0.1), with the same port everywhere; that its host name resolves on every node (DNS or "
                "/etc/hosts); and that the port is open: no firewall, right network interface.",
                commands=("nc -vz {address|MASTER_ADDR} {port|29500}", "ping -c 3 {address|MASTER_ADDR}"),
            ),
            Fix(
                do="Start the job on all nodes: nnodes x nproc_per_node must equal the world size, each node needs its own --node_rank, "
                "all have the same --rdzv_id. A process that died before it joined leaves the others waiting: look for an error in its "
                "log.",
                commands=("torchrun --nnodes=2 --nproc_per_node=8 --node_rank=0 --master_addr=10.0.0.1 --master_port=29500 train.py",),
            ),
            Fix(
                do="Where the nodes start at very different times, give a longer timeout: "
                "init_process_group(timeout=timedelta(minutes=60)), or --rdzv_conf join_timeout=3600.",
                code='dist.init_process_group("nccl", timeout=datetime.timedelta(minutes=60))',
            ),
        ),
        examples=(
            "torch.distributed.DistNetworkError: The client socket has timed out after 600000ms while trying to connect to (10.3.0.7, "
            "29501).",
            "torch.distributed.DistStoreError: Timed out after 1801 seconds waiting for clients. 3/4 clients joined.",
            "RuntimeError: connect() timed out. Original timeout was 900000 ms.",
            "torch.distributed.elastic.rendezvous.api.RendezvousTimeoutError",
            "[W101 03:00:00.1 socket.cpp:489] [c10d] waitForInput: socket SocketImpl(fd=9, addr=[n2]:40000, remote=[n1]:29500) timed out "
            "after 900000ms",
            "ValueError: The hostname of the rendezvous endpoint 'n1:29500' must be reachable",
            "horovod.runner.common.util.timeout.TimeoutException: Timed out waiting for tasks to start. Please check connectivity between "
            "servers. You may need to increase the --start-timeout parameter if you have too many servers.",
        ),
        counterexamples=(
            "[W socket.cpp:601] [c10d] The client socket has failed to connect to [localhost]:29500 (errno: 99 - Cannot assign requested "
            "address).\nepoch 1 done, loss 0.5",
            "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='example.org', port=443): Connection timed out",
        ),
    ),
    Cause(
        slug="rendezvous-closed",
        title="The rendezvous was closed before this node joined",
        why="torchrun on another node finished or failed and closed the rendezvous of this job id; a node that comes later, or that "
        "restarts, is turned away.",
        signs=(
            Sign(r"RendezvousClosedError"),
            Sign(r"rendezvous '(?P<id>[^']{1,80})' is closed"),
            Sign(r"RendezvousGracefulExitError"),
            Sign(r"has closed the rendezvous", FAIR),
        ),
        fixes=(
            Fix(
                do="Look for the first failure on the other nodes; start all nodes within the join timeout, and use a new --rdzv_id for "
                "each run."
            ),
        ),
        explains=("torchrun-child-failed",),
        consequence=True,
        examples=("torch.distributed.elastic.rendezvous.api.RendezvousClosedError",),
        counterexamples=("file is closed",),
    ),
    Cause(
        slug="hostname-not-resolvable",
        title="A host name of the job does not resolve on this machine",
        why="The store and Gloo look up the host name of the master (or of this machine itself) and get no address: it is neither in DNS "
        "nor in /etc/hosts of this node.",
        signs=(
            Sign(r"IPv4 network addresses of \((?P<address>[^,)]{1,120}), \d+\) cannot be retrieved \(gai error: -(?:2|3|5) "),
            Sign(r"network addresses of \((?P<address>[^,)]{1,120}), \d+\) cannot be retrieved \(gai error: -(?:2|3|5|8|11001)"),
            Sign(
                r"NCCL WARN Net : error encountered when getting address info : (?:Name or service not known|Temporary failure in name "
                r"resolution)"
            ),
            Sign(r"gethostbyname.{0,200}(?:gaierror|Name or service not known|nodename nor servname)", FAIR, also=(_STORE_WORDS,)),
            Sign(
                r"socket\.gaierror: \[Errno -?\d+\] (?:Name or service not known|nodename nor servname|Temporary failure in name "
                r"resolution|getaddrinfo failed)",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"huggingface\.co|urllib3|requests/",),
            ),
            Sign(
                r"Error.{0,80}Name or service not known",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"huggingface\.co|urllib3|requests/|httpx",),
            ),
            Sign(
                r"Error.{0,80}Temporary failure in name resolution",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"huggingface\.co|urllib3|requests/|httpx",),
            ),
            Sign(
                r"Error.{0,80}nodename nor servname provided",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"huggingface\.co|urllib3|requests/|httpx",),
            ),
            Sign(r"ssh: Could not resolve hostname (?P<address>[^:\s]{1,120})", also=(r"pdsh|deepspeed|mpirun|torchrun|hostfile",)),
            Sign(r"c10d_rendezvous_backend\.py.{0,200}_create_tcp_store.{0,120}connect\(\) timed out", WEAK),
            Sign(r"Hostname/IP lookup failed", FAIR),
            Sign(r"network addresses of \((?P<address>[^,)]{1,120}), \d+\) cannot be retrieved \(gai error: 1100[14]"),
            Sign(r"gethostbyname: Unknown host", FAIR, also=(_STORE_WORDS,)),
            Sign(r"gloo/transport/\w{1,8}/device\.cc.{0,40}getaddrinfo.{0,80}(?:not known|failure in name|nodename)"),
        ),
        fixes=(
            Fix(
                do="Make the host name resolve on every node: add a line with its IP address to /etc/hosts (or a DNS entry), or use the "
                "IP address instead of the hostname in MASTER_ADDR / --rdzv_endpoint.",
                commands=("getent hosts {address|node0}", "hostname -I"),
            ),
            Fix(
                do="In Kubernetes wait until the headless service of the master exists; in a container add the host's own name to "
                "/etc/hosts (docker run --add-host or --hostname).",
                who="admin",
            ),
        ),
        explains=("rendezvous-timeout",),
        refines=("gloo-wrong-interface",),
        examples=(
            "[c10d] The IPv6 network addresses of (DESKTOP-9.lan, 29500) cannot be retrieved (gai error: 11001 - No such host is known.)",
            "RuntimeError: [enforce fail at /third_party/gloo/gloo/transport/tcp/device.cc:208] !getaddrinfo. Name or service not known",
            "[E socket.cpp:922] [c10d] The client socket has timed out after 60s while trying to connect to (trainer-0, 29400).\n[W "
            "socket.cpp:600] [c10d] The IPv4 network addresses of (trainer-0, 29400) cannot be retrieved (gai error: -2 - Name or service "
            "not known).",
        ),
        counterexamples=(
            "[W socket.cpp:697] [c10d] The IPv6 network addresses of (localhost, 29500) cannot be retrieved (gai error: -9 - Address "
            "family for hostname not supported).",
            "requests.exceptions.ConnectionError: Failed to resolve 'huggingface.co' ([Errno -3] Temporary failure in name resolution)",
        ),
    ),
    Cause(
        slug="windows-libuv-missing",
        title="This Windows build of torch has no libuv, which the store asks for",
        why="From torch 2.4 on the TCPStore uses libuv by default. The Windows wheels of several versions are built without it.",
        signs=(
            Sign(r"use_libuv was requested but PyTorch was buil[td] without libuv support"),
            Sign(r"built? without libuv\b"),
            Sign(r"use_libuv was requested"),
        ),
        fixes=(
            Fix(
                do="Set USE_LIBUV=0 in the environment before Python starts (or init_method='env://?use_libuv=False').",
                commands=("set USE_LIBUV=0",),
                code='os.environ["USE_LIBUV"] = "0"  # before torch.distributed is used',
            ),
            Fix(
                do="torchrun creates its own store before the script runs, so set the variable in the shell. Where it is ignored "
                "(--standalone, c10d rendezvous), use --rdzv_backend=static with --master_addr and --master_port, or start the "
                "processes without torchrun. Linux and WSL2 wheels have libuv.",
                commands=("set USE_LIBUV=0",),
            ),
        ),
        explains=("rendezvous-timeout",),
        examples=(
            "torch.distributed.DistStoreError: use_libuv was requested but PyTorch was build without libuv support",
            "RuntimeError: use_libuv was requested but PyTorch was built without libuv support, run with USE_LIBUV=0 to disable it.",
        ),
        counterexamples=("uvloop: libuv support enabled",),
    ),
)
