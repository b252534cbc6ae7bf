"""The paths NCCL sends over: P2P, InfiniBand and RoCE, sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_GENERAL = ("nccl-unhandled-cuda-error", "nccl-unhandled-system-error")
_ECHOES = ("nccl-watchdog-abort", "peer-rank-died-elsewhere")


def _other_rail(groups: Mapping[str, str], _: Any) -> bool:
    """The two HCAs of a failed connection have different numbers."""
    return groups["local"] != groups["remote"]


CAUSES = (
    Cause(
        slug="nccl-ib-memlock",
        title="RDMA memory could not be registered: the locked-memory limit is too low",
        why="InfiniBand pins the buffers in memory. The limit of locked memory (ulimit -l) of this process is too small, often 64 KB in "
        "containers and in Slurm or systemd jobs.",
        signs=(
            Sign(r"ibv_reg_mr\w* failed(?: with error)?:? Cannot allocate memory"),
            Sign(r"\bibv_\w{3,30}.{0,120}Cannot allocate memory"),
            Sign(r"\bibv_\w{0,4}reg_\w{0,12}mr\w* .{0,40}(?:errno:? ?12|ENOMEM|Resource temporarily unavailable)"),
            Sign(r"set max(?:imum)? locked memory \(ulimit -l\)"),
            Sign(r"max locked memory limit .{0,20}is too low"),
            Sign(r"memlock limits are set too low"),
            Sign(r"trying to allocate some locked memory"),
            Sign(r"RLIMIT_MEMLOCK.{0,80}too (?:low|small)", FAIR),
            Sign(r"RLIMIT_MEMLOCK is \d+ bytes", FAIR),
            Sign(r"severely limit memory registrations", FAIR),
            Sign(
                r"max locked memory {1,12}\(kbytes, -l\) (?:\d{1,4}|[1-9]\d{4})\b",
                FAIR,
                also=(r"\bibv_|RDMA|mlx[45]|\bUCX\b|InfiniBand|NET/IB|openib",),
            ),
            Sign(r"Couldn['’]t allocate MR\b", FAIR),
            Sign(r"locked memory.{0,80}too (?:low|small)", FAIR, also=(r"ibv_|openib|InfiniBand|NCCL|libibverbs",)),
        ),
        fixes=(
            Fix(
                do="Raise the locked-memory limit to unlimited: docker run --ulimit memlock=-1, LimitMEMLOCK=infinity for systemd "
                "(slurmd, kubelet, containerd), or `* hard memlock unlimited` in /etc/security/limits.conf; then check ulimit -l.",
                commands=("ulimit -l", "docker run --gpus all --ulimit memlock=-1 --ulimit stack=67108864 IMAGE"),
                who="admin",
            ),
            Fix(
                do="As a test only, run without RDMA: NCCL_IB_DISABLE=1.",
                commands=("NCCL_IB_DISABLE=1 torchrun --nproc_per_node=8 train.py",),
            ),
        ),
        refines=(*_GENERAL, "nccl-ib-unreachable"),
        explains=_ECHOES,
        examples=(
            "n4:70:99 [3] misc/ibvwrap.cc:252 NCCL WARN Call to ibv_reg_mr failed with error Cannot allocate memory",
            "NCCL WARN Call to ibv_create_cq failed with error Cannot allocate memory",
            "[1700000001.111111] [n9:12:0]   ib_md.c:340  UCX  ERROR ibv_reg_mr(address=0x7f0000000000, length=8192, access=0xf) failed: Cannot "
            "allocate memory. Please set max locked memory (ulimit -l) to 'unlimited' (current: 8192 kbytes)",
            "ibv_create_cq(cqe=1024) failed: Cannot allocate memory",
            "libibverbs: Warning: RLIMIT_MEMLOCK is 65536 bytes.\n    This will severely limit memory registrations.\nRuntimeError: NCCL error",
            "The OpenFabrics (openib) BTL failed to initialize while trying to allocate some locked memory.  This typically can indicate that "
            "the memlock limits are set too low.",
        ),
        counterexamples=(
            "RuntimeError: [enforce fail at alloc_cpu.cpp:83] DefaultCPUAllocator: can't allocate memory",
            "OSError: [Errno 12] Cannot allocate memory",
            "max locked memory       (kbytes, -l) 65536\nstack size              (kbytes, -s) 8192\nnccl ok",
        ),
    ),
    Cause(
        slug="nccl-ib-cross-rail",
        title="NICs of different rails were connected, and the rails cannot reach each other",
        why="On a rail-optimised fabric NIC n of one node reaches only NIC n of the others. NCCL paired {local|one NIC} with {remote|the "
        "NIC of another rail}, because NCCL_CROSS_NIC allows it or the topology differs between the nodes.",
        signs=(
            Sign(
                r"(?:Got completion|ibv_modify_qp).{0,400}NIC (?P<local>mlx5_\d+).{0,80}remote (?:NIC )?(?P<remote>mlx5_\d+)",
                FAIR,
                test=_other_rail,
            ),
            Sign(
                r"Got completion.{0,60}(?:error|status=)(?:IBV_WC_RETRY_EXC_ERR\()?(?:12|5)\b",
                FAIR,
                also=(r"NCCL_CROSS_NIC set by environment to (?:1|2)",),
            ),
            Sign(r"Got completion.{0,60}(?:error|status=) ?12\b", FAIR, also=(r"(?:rail[- ]?optimi[sz]ed|different rails|cross[- ]rail)",)),
            Sign(r"NCCL_CROSS_NIC", WEAK, also=(r"ibv_modify_qp.{0,60}(?:timed out|unreachable)|Got completion.{0,60}12",)),
            Sign(
                r"(?:Got completion|ibv_modify_qp).{0,300}local GID \S{0,8}?(?P<local>\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}, remote GIDs? \S{0,8}?(?P<remote>\d{1,3}\.\d{1,3}\.\d{1,3})\.\d",
                FAIR,
                test=_other_rail,
            ),
        ),
        fixes=(
            Fix(
                do="Set NCCL_CROSS_NIC=0 on all nodes, so that each ring stays on its rail, and give all nodes the same order of NICs in "
                "NCCL_IB_HCA.",
                commands=("export NCCL_CROSS_NIC=0",),
            ),
            Fix(
                do="Or let the network team connect the rails at the top (spine) switches; check pairs of NICs with ib_write_bw.",
                who="admin",
            ),
        ),
        refines=(*_GENERAL, "nccl-ib-unreachable"),
        explains=_ECHOES,
        examples=(
            "g1:10:20 [4] NCCL INFO NCCL_CROSS_NIC set by environment to 1.\ng1:10:33 [4] transport/net_ib.cc:1295 NCCL WARN NET/IB : Got "
            "completion from peer 10.9.1.2<41000> with status=12 opcode=0 len=0 vendor err 129 (Send) hca mlx5_4",
        ),
        counterexamples=(
            "g1:10:33 [4] transport/net_ib.cc:1295 NCCL WARN NET/IB : Got completion from peer 10.9.1.2<41000> with status=12 opcode=0 "
            "len=0 vendor err 129 (Send)",
        ),
    ),
    Cause(
        slug="nccl-ib-unreachable",
        title="The RDMA adapters (InfiniBand/RoCE) of two nodes cannot reach each other",
        why="NCCL opened a connection between two HCAs, but the packets do not arrive (error 12 is a transport timeout): wrong GID index "
        "for RoCE, an HCA port that is down or in another subnet, or a fault of cable, switch or the peer's node.",
        signs=(
            Sign(
                r"Call to ibv_modify_qp failed with (?:error )?(?:\d+ )?(?P<error>Network is unreachable|Connection timed out|No route to "
                r"host|No such device|Invalid argument|No data available)"
            ),
            Sign(r"Got completion (?:from peer (?P<peer>\S{1,80}) )?with (?:error|status=)(?: ?IBV_WC_\w+\()?(?: )?(?P<code>\d+)"),
            Sign(r"Got completion from peer"),
            Sign(r"IBV_WC_(?:RETRY_EXC|RNR_RETRY_EXC|WR_FLUSH|REM_ACCESS|LOC_PROT)_ERR", FAIR),
            Sign(r"Call to ibv_modify_qp failed", FAIR),
            Sign(r"\bibv_modify_qp (?:failed|to (?:INIT|RTR|RTS))", FAIR),
            Sign(r"ep_connect failed", FAIR, also=(r"ibrc|nvshmem|ibgda",)),
            Sign(r"Failed to modify QP\b.{0,40} to RT[RS]", FAIR),
            Sign(r"NET/IB ?: .{0,40}unable to find a matching GID"),
            Sign(r"mlx5: \S{1,60}: got completion with error", FAIR),
            Sign(r"NCCL WARN NET/IB ?: .{0,80}(?:async fatal event|Got async event ?: port error)"),
            Sign(r"NCCL WARN NET/IB ?: Unable to open device", FAIR),
            Sign(r"NCCL WARN NET/IB ?: .{0,60}Attempted to connect incompatible devices"),
            Sign(r"NCCL WARN Call to ibv_(?:open_device|query_port|query_gid|create_qp|poll_cq)\w* (?:failed|returned)", FAIR),
            Sign(r"Transport retry count exceeded on mlx", FAIR),
            Sign(r"NET/IB.{0,120}vendor err 129", FAIR),
        ),
        fixes=(
            Fix(
                do="Set the GID index of RoCE v2 (see show_gids, often NCCL_IB_GID_INDEX=3) and choose only the HCAs that are connected "
                "and in the same fabric or subnet with NCCL_IB_HCA, alike on all nodes; check that their ports are ACTIVE and that a "
                "route exists.",
                commands=("ibstat", "ibv_devinfo", "export NCCL_IB_HCA=mlx5_0,mlx5_1", "export NCCL_IB_GID_INDEX=3"),
            ),
            Fix(
                do="Test the pair of nodes with ib_write_bw and nccl-tests; if only one node or one HCA fails, have its cable, port, "
                "switch or node checked and exclude it.",
                who="admin",
            ),
            Fix(
                do="As a test, run without RDMA: NCCL_IB_DISABLE=1 uses the Ethernet interface (slow). If that works, the fabric is at "
                "fault. NCCL_IB_TIMEOUT=22 helps only with congestion.",
                commands=("NCCL_IB_DISABLE=1 torchrun --nnodes=2 --nproc_per_node=8 train.py",),
            ),
        ),
        refines=_GENERAL,
        explains=(*_ECHOES, "nccl-timeout-straggler"),
        examples=(
            "n1:55:80 [0] misc/ibvwrap.cc:190 NCCL WARN Call to ibv_modify_qp failed with error Connection timed out",
            "n1:55:80 [2] transport/net_ib.cc:839 NCCL WARN NET/IB : Got completion with error 12, opcode 1, len 0, vendor err 129",
            "/src/modules/transport/ibrc/ibrc.cpp:493: non-zero status: 110 ibv_modify_qp failed",
        ),
        counterexamples=(
            "n1:55:80 [0] NCCL INFO NET/IB : No device found.",
            "n1:55:80 [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB [RO]; OOB eth0:10.0.0.1<0>",
        ),
    ),
    Cause(
        slug="nccl-gdr-peermem",
        title="GPU memory could not be registered for RDMA: GPUDirect is not set up",
        why="With GPUDirect RDMA the HCA reads GPU memory itself. That needs the kernel module nvidia-peermem (or DMA-BUF support); "
        "without it the registration of a GPU address fails with Bad address.",
        signs=(
            Sign(r"ibv_reg_mr\w* failed(?: with error)?:? (?:Bad address|Invalid argument)"),
            Sign(r"\bibv_(?:exp_)?reg_mr\(.{1,120}\) failed: Bad address"),
            Sign(
                r"ibv_reg_dmabuf_mr\w* failed(?: with error)?:? (?:Operation not supported|Invalid argument|Bad address|Bad file "
                r"descriptor)",
                FAIR,
            ),
        ),
        fixes=(
            Fix(
                do="Load the module on each node: modprobe nvidia-peermem, after the driver and MLNX_OFED are installed.",
                commands=("sudo modprobe nvidia-peermem", "lsmod | grep peermem"),
                who="admin",
            ),
            Fix(
                do="Or switch GPUDirect off: NCCL_NET_GDR_LEVEL=LOC (data go through host memory).",
                commands=("export NCCL_NET_GDR_LEVEL=LOC",),
            ),
        ),
        refines=(*_GENERAL, "nccl-ib-unreachable"),
        explains=_ECHOES,
        examples=(
            "n2:9:30 [0] misc/ibvwrap.cc:278 NCCL WARN Call to ibv_reg_mr_iova2 failed with error Bad address",
            "ib_md.c:309  UCX  ERROR ibv_reg_mr(address=0x7f8000000000, length=1048576, access=0xf) failed: Bad address",
        ),
        counterexamples=("NCCL WARN Call to ibv_reg_mr_iova2 failed with error Cannot allocate memory",),
    ),
    Cause(
        slug="nccl-socket-ifname",
        title="NCCL uses no network interface or the wrong one",
        why="For its first contact, and for data without RDMA, NCCL picks an IP interface. NCCL_SOCKET_IFNAME names one that does not "
        "exist here, or NCCL picked one that the other nodes cannot reach (docker0, a VPN, a second network).",
        signs=(
            Sign(r"(?:Bootstrap|NET/Socket) ?: no (?:socket )?interface found"),
            Sign(r"no socket interface found"),
            Sign(r"No usable listening interface found"),
            Sign(r"No interface found (?:in the same subnet as remote address|with name)"),
            Sign(r"NCCL WARN NET/(?:Socket|IB) ?: No IP interface found"),
            Sign(r"no device found (?:matching|after excluding)"),
            Sign(r"\bNCCL_SOCKET_IFNAME interface found for"),
            Sign(r"\bNet ?: no interface\b", FAIR),
            Sign(r"with family \d+ is neither AF_INET"),
            Sign(
                r"NCCL WARN Call to (?:bind|connect|socket) (?:returned|failed) ?:? ?(?:Cannot assign requested address|Address family "
                r"not supported)"
            ),
            Sign(
                r"NCCL WARN .{0,60}[Cc]onnect to (?P<peer>[^\s<]{1,60})<\d+>? .{0,20}(?:failed|returned) ?:? ?(?:No route to "
                r"host|Connection timed out|Network is unreachable)"
            ),
            Sign(r"NCCL WARN .{0,60}(?:Call to connect|connect) .{0,80}(?:No route to host|Connection timed out|Network is unreachable)"),
            Sign(
                r"ocket(?:Start|Poll)?Connect\S{0,3} .{0,120}(?:Software caused connection abort|No route to host|Connection timed "
                r"out|Network is unreachable|exceeded .{0,20}retries)",
                FAIR,
            ),
            # refused: nobody listens there, as after the peer's end, which NCCL then calls a remote error
            Sign(
                r"ocket(?:Start|Poll)?Connect\S{0,3} .{0,120}Connection refused",
                FAIR,
                unless=(r"ncclRemoteError", r"remote process exited"),
            ),
            Sign(r"NCCL WARN .{0,80}[Cc]onnect.{0,80}Connection refused", FAIR, unless=(r"ncclRemoteError", r"remote process exited")),
            Sign(
                r"misc/socket\.cc:\d+ NCCL WARN",
                WEAK,
                unless=(r"Broken pipe", r"reset by peer", r"closed by remote peer"),
                near=160,
            ),
            Sign(
                r"NCCL_SOCKET_IFNAME set (?:by environment )?to (?P<interface>[^\s.]{1,40})",
                WEAK,
                also=(r"NCCL WARN|unhandled system error|ncclSystemError|ncclInternalError",),
            ),
        ),
        fixes=(
            Fix(
                do="Unset NCCL_SOCKET_IFNAME, or correct it to the name of the interface that connects the nodes, as `ip -br addr` shows "
                "it on each node (prefixes such as eth match eth0 and eth1; ^docker0,lo excludes).",
                commands=("ip -br addr", "unset NCCL_SOCKET_IFNAME", "export NCCL_SOCKET_IFNAME=eth0"),
            ),
            Fix(
                do="Check that the nodes reach each other over that interface on any port (no firewall, same subnet or a route); on one "
                "machine NCCL_SOCKET_IFNAME=lo is enough.",
                commands=("ping -c 3 {peer|OTHER_NODE}",),
            ),
        ),
        refines=_GENERAL,
        explains=_ECHOES,
        examples=(
            "a1:3:3 [0] bootstrap.cc:45 NCCL WARN Bootstrap : no socket interface found",
            "a1:3:9 [0] misc/socket.cc:484 NCCL WARN socketStartConnect: Connect to 172.18.0.4<45211> failed : No route to host",
            "misc/socket.cc:538 NCCL WARN ncclSocketInit: connecting to address  with family 32 is neither AF_INET(2) nor AF_INET6(10)",
        ),
        counterexamples=(
            "a1:3:3 [0] NCCL INFO NCCL_SOCKET_IFNAME set by environment to eth0\na1:3:3 [0] NCCL INFO Bootstrap : Using "
            "eth0:10.1.1.1<0>\nepoch 1 loss 1.2",
        ),
    ),
)
