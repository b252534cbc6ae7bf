"""Meeting of the processes: the store, ports, addresses, host names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_STORE_WORDS = r"TCPStore|c10d|torchrun|torch\.distributed|MASTER_ADDR|rendezvous|init_process_group"


def _fewer_joined(groups: Mapping[str, str], _: Any) -> bool:
    """Some processes never arrived at the store."""
    return int(groups["joined"]) < int(groups["world"])


def _first_group(groups: Mapping[str, str], _: Any) -> bool:
    """The barrier of the default process group (key 1 or 0), and not all arrived."""
    return int(groups["key"]) <= 1 and _fewer_joined(groups, _)


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
            Sign(r"waiting for clients\. (?P<joined>\d+)/(?P<world>\d+) clients joined", test=_fewer_joined),
            Sign(
                r"store based barrier on rank:? ?\d+, for key: store_based_barrier_key:(?P<key>\d+) \(world_size=(?P<world>\d+), "
                r"(?:worker_count|num_workers_joined)=(?P<joined>\d+)",
                test=_first_group,
            ),
            Sign(r"connect\(\) timed out\. Original timeout was (?P<waited>\d+) ?ms"),
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
        ),
        fixes=(
            Fix(
                do="Check that MASTER_ADDR (--master_addr, --rdzv_endpoint) is the address of the node of rank 0 as the other nodes reach "
                "it (not localhost or 127.0.0.1), with the same port everywhere, and that this port is open: no firewall, right "
                "network interface.",
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
        signs=(Sign(r"RendezvousClosedError"), Sign(r"rendezvous '(?P<id>[^']{1,80})' is closed")),
        fixes=(
            Fix(
                do="Look for the first failure on the other nodes; start all nodes within the join timeout, and use a new --rdzv_id for "
                "each run."
            ),
        ),
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
            Sign(r"ssh: Could not resolve hostname (?P<address>[^:\s]{1,120})"),
            Sign(r"c10d_rendezvous_backend\.py.{0,200}_create_tcp_store.{0,120}connect\(\) timed out", WEAK),
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
        examples=(
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
        slug="master-port-in-use",
        title="The master port {port|of the job} is already in use",
        why="Rank 0 has to listen on MASTER_PORT (29500 unless told otherwise), and another process holds that port: a second job on this "
        "machine, or one left over from an earlier run.",
        signs=(
            Sign(r"server socket has failed to listen on any local network address", unless=(r"errno: 13 ", "EACCES")),
            Sign(r"server socket has failed to bind to .{0,60}?:(?P<port>\d+) \((?:errno: (?:98|48)|system error: 10048)"),
            Sign(r"launch distributed communication on port `?(?P<port>\d+)`?, but another process is utilizing it"),
            Sign(r"RuntimeError: Address already in use"),
            Sign(r"DistNetworkError: (?:The server socket .{0,120})?(?:EADDRINUSE|Address already in use)"),
            Sign(r"name: EADDRINUSE, message: address already in use"),
            Sign(r"port: (?P<port>\d+), useIpv6: \w+, code: -(?:98|48|4091), name: EADDRINUSE"),
            Sign(r"TCPStore.{0,300}Address already in use"),
            Sign(
                r"OSError: \[Errno (?:98|48)\] Address already in use",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"uvicorn|flask|gradio|tensorboard|http\.server",),
            ),
            Sign(
                r"\[Errno (?:98|48)\] error while attempting to bind on address .{0,60}(?P<port>\d{2,5})\)?:? address already in use",
                WEAK,
                also=(r"torchrun|torch\.distributed",),
            ),
            Sign(r"NCCL WARN Call to bind failed : Address already in use"),
        ),
        fixes=(
            Fix(
                do="Choose another free port: --master_port (accelerate: --main_process_port, DeepSpeed: --master_port), or let torchrun "
                "find one with --standalone on a single machine.",
                commands=("torchrun --standalone --nproc_per_node=2 train.py", "torchrun --master_port=29511 --nproc_per_node=2 train.py"),
            ),
            Fix(
                do="Or end the process that holds the port, if it is left over from an earlier run.",
                commands=("ss -ltnp | grep {port|29500}", "lsof -i :{port|29500}"),
            ),
        ),
        explains=("rendezvous-timeout", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: The server socket has failed to listen on any local network address. The server socket has failed to bind to "
            "[::]:29500 (errno: 98 - Address already in use).",
            "ConnectionError: Tried to launch distributed communication on port `29500`, but another process is utilizing it. Please "
            "specify a different port (such as using the `--main_process_port` flag or specifying a different `main_process_port` in your "
            "config file) and rerun your script.",
            "RuntimeError: Address already in use",
        ),
        counterexamples=(
            'OSError: [Errno 98] Address already in use\n  File "/app/serve.py", line 3, in <module>\n    http.server.test()',
            "[W socket.cpp:426] [c10d] The server socket cannot be initialized on [::]:29500 (errno: 97 - Address family not supported by "
            "protocol).",
        ),
    ),
    Cause(
        slug="master-port-privileged",
        title="The master port {port|given} may not be opened by an ordinary user",
        why="Ports below 1024 need root; some systems reserve further ranges. The bind fails with Permission denied.",
        signs=(
            Sign(r"server socket has failed to bind to .{0,60}?:(?P<port>\d+) \(errno: 13 "),
            Sign(r"name: EACCES, message: permission denied"),
        ),
        fixes=(
            Fix(
                do="Use a port between 1024 and 65535 for MASTER_PORT / --master_port.",
                commands=("torchrun --master_port=29511 --nproc_per_node=2 train.py",),
            ),
        ),
        refines=("master-port-in-use",),
        examples=(
            "RuntimeError: The server socket has failed to listen on any local network address. The server socket has failed to bind to "
            "0.0.0.0:888 (errno: 13 - Permission denied).",
        ),
        counterexamples=("PermissionError: [Errno 13] Permission denied: '/data/ckpt'",),
    ),
    Cause(
        slug="stale-filestore-init-file",
        title="The file:// rendezvous file of an earlier run is still there",
        why="init_method='file://...' uses the file as the store of the process group. What an earlier, killed run left in it is read as "
        "if it came from this run: wrong addresses, keys that already exist, a hang.",
        signs=(
            Sign(
                r"init_method['\"]?[=:] ?.{0,8}file:/{2,3}",
                FAIR,
                also=(r"Connection refused|Connection reset|timed out|Timeout|connectFullMesh|not found|already",),
            ),
            Sign(r"c10d::FileStore::\w+", FAIR, also=(r"[Tt]imeout|[Tt]imed out",)),
            Sign(r"rendezvous\.py.{0,200}FileStore\(", FAIR),
            Sign(r"_file_rendezvous_handler", FAIR),
            Sign(r"--dist[-_]file", WEAK, also=(r"store based barrier|Connection refused|timed out",)),
        ),
        fixes=(
            Fix(
                do="Delete the init file before each run, or use a new, unique file name per run; the file must not exist at the start.",
                commands=("rm -f /path/to/shared_init_file",),
                code="init_method = f\"file:///shared/run_{{os.environ['SLURM_JOB_ID']}}\"  # unique for each run",
            ),
            Fix(do='Or use init_method="env://" with torchrun, which needs no file.'),
        ),
        explains=("gloo-wrong-interface", "rendezvous-timeout", "peer-rank-died-elsewhere"),
        examples=(
            "dist.init_process_group('gloo', init_method='file:///shared/sync_file', rank=1, world_size=2)\nRuntimeError: "
            "[../third_party/gloo/gloo/transport/tcp/pair.cc:799] connect [10.0.0.4]:31224: Connection refused",
        ),
        counterexamples=("init_method='file:///shared/sync_file' ok, epoch 1 finished",),
    ),
    Cause(
        slug="windows-libuv-missing",
        title="This Windows build of torch has no libuv, which the store asks for",
        why="From torch 2.4 on the TCPStore uses libuv by default. The Windows wheels of several versions are built without it.",
        signs=(
            Sign(r"use_libuv was requested but PyTorch was buil[td] without libuv support"),
            Sign(r"built? without libuv support"),
        ),
        fixes=(
            Fix(
                do="Set USE_LIBUV=0 in the environment before Python starts (or init_method='env://?use_libuv=False').",
                commands=("set USE_LIBUV=0",),
                code='os.environ["USE_LIBUV"] = "0"  # before torch.distributed is used',
            ),
            Fix(
                do="torchrun creates its own store before the script runs: set the variable in the shell, or start without torchrun. "
                "Linux or WSL2 wheels have libuv."
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
