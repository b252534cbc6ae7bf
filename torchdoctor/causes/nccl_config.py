"""NCCL on this machine: settings, NVLink SHARP, topology."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_GENERAL = ("nccl-unhandled-cuda-error", "nccl-unhandled-system-error", "nccl-internal-error")
_ECHOES = ("nccl-watchdog-abort", "peer-rank-died-elsewhere")

CAUSES = (
    Cause(
        slug="nccl-nvls-failed",
        title="NVLink SHARP (NVLS) multicast memory could not be set up",
        why="On NVSwitch machines NCCL uses multicast memory, which the Fabric Manager has to provide. It refuses here: the Fabric "
        "Manager or the switches are in a bad state, or a container or virtual machine has only a part of them.",
        signs=(
            Sign(r"Failed to bind NVLink SHARP \(NVLS\) Multicast memory"),
            Sign(r"transport/nvls\.cc:\d+ NCCL WARN (?:Cuda failure|Failed)"),
            Sign(r"nvls\.cc.{0,80}Cuda failure (?P<code>\d+)"),
            Sign(r"usually caused by a system or configuration error in the Fabric Manager"),
            Sign(r"NVLS multicast .{0,60}(?:failed|CUDA_ERROR|Cuda failure)", FAIR),
        ),
        fixes=(
            Fix(do="Switch NVLS off for this job: NCCL_NVLS_ENABLE=0.", commands=("export NCCL_NVLS_ENABLE=0",)),
            Fix(
                do="Repair it: the Fabric Manager must run with exactly the driver's version and report the fabric as Completed; restart "
                "it, reset the GPUs or reboot the node.",
                commands=("systemctl status nvidia-fabricmanager", "nvidia-smi -q -d FABRIC"),
                who="admin",
                risk="disruptive",
            ),
        ),
        refines=_GENERAL,
        explains=_ECHOES,
        examples=(
            "Last error:\nFailed to bind NVLink SHARP (NVLS) Multicast memory of size 4194304 : CUDA error 401 'the operation cannot be "
            "performed in the present state'.",
            "dgx3:70:71 [5] transport/nvls.cc:410 NCCL WARN Cuda failure 1 'invalid argument'",
        ),
        counterexamples=("dgx3:70:71 [5] NCCL INFO NVLS multicast support is available on dev 5",),
    ),
    Cause(
        slug="nccl-env-invalid",
        title="An NCCL_* variable has a value that NCCL cannot use",
        why="NCCL reads its settings from the environment (and from ~/.nccl.conf and /etc/nccl.conf). A value that it cannot parse, or "
        "that excludes every algorithm or device, makes the communicator fail.",
        signs=(
            Sign(r"Invalid NCCL_COMM_ID, please use format"),
            Sign(r"(?:no|No) algorithm/protocol available for (?:function|collective|\w+)"),
            Sign(r"NCCL_NET_MERGE_POLICY: unknown value"),
            Sign(r"Could not force merge NICs"),
            Sign(r"NCCL WARN NET/OFI .{0,40}(?:only EFA provider|not supported|[Uu]nable to find)", FAIR),
            Sign(r"NCCL_ALGO.{0,80}(?:unrecognized|invalid|unknown)"),
            Sign(r"NCCL_PROTO.{0,80}(?:unrecognized|invalid|unknown)"),
            Sign(r"NCCL WARN (?:Invalid|Unknown|Unrecognized) .{0,60}(?P<name>NCCL_[A-Z_]+)"),
            Sign(r"ncclInvalidArgument.{0,400}(?P<name>NCCL_[A-Z_]{3,40})", FAIR),
            Sign(r"Failed to initialize any NET plugin", FAIR),
            Sign(r"(?:NCCL WARN|Last error:) Error: network .{1,40} not found"),
            Sign(r"NCCL WARN NET/Plugin.{0,40} \S{1,40} not found"),
            Sign(r"NCCL WARN .{0,40}\bNCCL_(?:ALGO|PROTO)\b.{0,60}not (?:valid|supported)"),
        ),
        fixes=(
            Fix(
                do="Unset the NCCL_* variables that were copied from another machine ({name|all of them as a test}), and remove them from "
                "~/.nccl.conf and /etc/nccl.conf; then set only what is needed, spelt as in NCCL's documentation.",
                commands=("env | grep ^NCCL_", "unset NCCL_ALGO NCCL_PROTO NCCL_NET NCCL_NET_PLUGIN NCCL_COMM_ID"),
            ),
        ),
        refines=_GENERAL,
        explains=_ECHOES,
        examples=(
            "q1:8:8 [0] enqueue.cc:1400 NCCL WARN Error : no algorithm/protocol available for function AllReduce with datatype "
            "ncclFloat32. NCCL_ALGO was set to CollNet.",
            "q1:8:8 [0] bootstrap.cc:201 NCCL WARN Invalid NCCL_COMM_ID, please use format: <ipv4>:<port> or [<ipv6>]:<port> or "
            "<hostname>:<port>",
            "q1:8:8 [0] net.cc:200 NCCL WARN Error: network IB not found.",
        ),
        counterexamples=("q1:8:8 [0] NCCL INFO NCCL_ALGO set by environment to Ring",),
    ),
    Cause(
        slug="nccl-topology",
        title="NCCL could not read the hardware topology of this machine",
        why="NCCL builds a map of GPUs, PCIe switches and NICs from /sys and NVML. In containers or virtual machines without a full /sys, "
        "or with a topology file of another machine, the map has no paths between the devices.",
        signs=(
            Sign(r"Attribute \w+ of node \w+ not found"),
            Sign(r"NCCL WARN Could not find real path of /sys/"),
            Sign(r"NCCL WARN (?:Error ?: )?[Cc]ould not find (?:CPU close to GPU|node of type|DEV for GPU)"),
            Sign(r"Could not find any local path from gpu \d+ to net"),
            Sign(r"NCCL WARN (?:Could not open XML topology file|XML Parse)"),
            Sign(r"NCCL WARN No transport found for rank (?P<first>\d+)\[\w+\] -> rank (?P<second>\d+)"),
        ),
        fixes=(
            Fix(
                do="Give the container the host's /sys and all GPUs and NICs of the machine, and unset NCCL_TOPO_FILE if it belongs to "
                "another machine type (cloud images set it in /etc/nccl.conf).",
                commands=("unset NCCL_TOPO_FILE", "nvidia-smi topo -m"),
            ),
            Fix(
                do="If no transport is left between two ranks, undo NCCL_P2P_DISABLE, NCCL_SHM_DISABLE or NCCL_NET settings, or give the "
                "containers of one host the same --ipc and network."
            ),
        ),
        refines=_GENERAL,
        explains=_ECHOES,
        examples=(
            "Last error:\nAttribute busid of node nic not found",
            "v2:9:9 [0] transport.cc:66 NCCL WARN No transport found for rank 0[40] -> rank 1[50]",
        ),
        counterexamples=("NCCL INFO NCCL_TOPO_FILE set by environment to /opt/topo.xml",),
    ),
    Cause(
        slug="nccl-internal-error",
        title="NCCL reports an internal error; the message alone does not say why",
        why="ncclInternalError means that a step of the connection failed in a way NCCL did not expect. The NCCL WARN line before it (on "
        "this rank or on the rank named in 'Last error') says which.",
        signs=(
            Sign(r"ncclInternalError", FAIR, unless=(r"NCCL WARN (?!Proxy)", r"no socket interface|Attribute \w+ of node")),
            Sign(r"NCCL version [\d.+a-z]{3,20} ncclInternalError", FAIR),
            Sign(r"Proxy Call to rank (?P<other>\d+) failed", FAIR),
            Sign(r"NCCL Error 3: internal error", FAIR),
            Sign(r"ProcessGroupNCCL\.cpp:\d+, internal error", FAIR, unless=(r"NCCL WARN (?!Proxy)", r"no socket interface")),
            Sign(r"internal error - please report this issue to the NCCL developers", FAIR, unless=(r"NCCL WARN (?!Proxy)",)),
        ),
        fixes=(
            Fix(
                do="Run again with NCCL_DEBUG=INFO on all ranks and read the first NCCL WARN line of any rank, above all of rank "
                "{other|0}.",
                commands=("NCCL_DEBUG=INFO torchrun --nproc_per_node=2 train.py",),
            ),
            Fix(
                do="Often the network interface is wrong (unset NCCL_SOCKET_IFNAME or name the right one), or RDMA does not work "
                "(NCCL_IB_DISABLE=1 as a test); a newer torch brings a newer NCCL.",
                commands=("NCCL_IB_DISABLE=1 NCCL_DEBUG=INFO torchrun --nproc_per_node=2 train.py",),
            ),
        ),
        explains=_ECHOES,
        examples=(
            "ncclInternalError: Internal check failed.\nLast error:\nProxy Call to rank 5 failed (Connect)",
            "RuntimeError: NCCL Error 3: internal error",
            "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1333, internal error - "
            "please report this issue to the NCCL developers, NCCL version 2.18.1",
        ),
        counterexamples=("RuntimeError: internal error",),
    ),
    Cause(
        slug="cuda-peer-mapping-exhausted",
        title="One process opened peer access between too many GPUs",
        why="CUDA allows a GPU to map at most eight peers. A single process that uses more than eight or nine GPUs (DataParallel, "
        "device_map) runs into that.",
        signs=(Sign(r"peer mapping resources exhausted"), Sign(r"cudaErrorTooManyPeers")),
        fixes=(
            Fix(
                do="Let the process see at most eight GPUs: CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7, or start one process per GPU with "
                "torchrun.",
                commands=("CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 python train.py",),
            ),
        ),
        examples=("RuntimeError: CUDA error: peer mapping resources exhausted",),
        counterexamples=("RuntimeError: CUDA error: out of memory",),
    ),
)
