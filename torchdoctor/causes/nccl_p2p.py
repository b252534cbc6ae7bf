"""Direct transfers between the GPUs of one machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_GENERAL = ("nccl-unhandled-cuda-error", "nccl-unhandled-system-error")
_ECHOES = ("nccl-watchdog-abort", "peer-rank-died-elsewhere")
_NO_HELP = (
    r"(?:still|also|even|same|anyway).{0,40}(?:hang|stuck|fr[eo]ez|fail)|(?:nothing|not|n['’]t|never) (?:help|work|change|solve|fix)|no effect|"
    r"with(?: and | or |/)without|not (?:the )?(?:P2P|solution)",
)
_NVIDIA = r"NCCL|nvidia|NVRM|CUDA|torch|GPU|all_reduce|RCCL"


def _slower_with_p2p(groups: Mapping[str, str], _: Any) -> bool:
    """The bandwidth test of CUDA's samples: direct copies reach less than half of those through the host's memory."""
    return float(groups["direct"]) < float(groups["through"]) / 2


CAUSES = (
    Cause(
        slug="nccl-p2p-broken",
        title="Direct GPU-to-GPU transfers (P2P) do not work between these GPUs",
        why="NCCL copies directly between GPUs where the driver reports that peer access is possible. GeForce RTX 40 cards have no P2P, "
        "and virtual machines, IOMMU or PCIe ACS break it on others: transfers fail, hang or return wrong data.",
        signs=(
            Sign(r"doesn['’]t support faster communication broadband via P2P or IB"),
            Sign(r"peer access is not supported"),
            Sign(r"cudaErrorPeerAccessUnsupported"),
            Sign(r"peer access has not been enabled", FAIR),
            Sign(r"(?:failed|could not|unable|cannot)(?: to)? enable peer access", FAIR),
            # the samples that NVIDIA gives for a test
            Sign(r"Verification error @ element \d+: val = "),
            Sign(
                r"P2P=Disabled Bandwidth Matrix \(GB/s\) .{0,60}?\b0 \d+\.\d+ (?P<through>\d+\.\d+).{1,900}?P2P=Enabled Bandwidth "
                r"(?:\(P2P Writes\) )?Matrix \(GB/s\) .{0,60}?\b0 \d+\.\d+ (?P<direct>\d+\.\d+)",
                FAIR,
                test=_slower_with_p2p,
            ),
            # a copy from one GPU to the other that arrives as zeros
            Sign(
                r"tensor\(\[{1,3}-?(?:[1-9]|0\.\d{0,6}[1-9]).{0,200}device='cuda:0'.{0,200}\b(?:to|cuda|copy_)\(.{0,160}"
                r"tensor\(\[{1,3}0\.?0{0,8}(?:, {1,3}0\.?0{0,8}){1,20}\]{1,3}, device='cuda:1'",
                FAIR,
            ),
            Sign(r"ACSCtl: SrcValid\+", FAIR, also=(_NVIDIA,)),
            Sign(r"(?:AMD-Vi|iommu).{0,40}IO_PAGE_FAULT", FAIR, also=(_NVIDIA,)),
            Sign(r"DMAR: .{0,40}\bfault.{0,40}(?:status|addr|reason)", FAIR, also=(_NVIDIA,)),
            Sign(
                r"NCCL_P2P_DISABLE ?= ?['\"]?1['\"]?.{0,60}(?:works|work fine|runs|fix(?:es|ed)|solve[sd]|resolve[sd]|helps|no hang|"
                r"\u6b63\u5e38|\u89e3\u51b3)",
                FAIR,
                unless=_NO_HELP,
            ),
            Sign(r"(?:unless|until|only (?:works|runs) (?:with|when|if)|without) .{0,40}NCCL_P2P_DISABLE", FAIR, unless=_NO_HELP),
            Sign(
                r"(?:hangs?|hung|stuck|freezes|frozen|nothing more).{0,200}NCCL_P2P_DISABLE ?= ?1",
                FAIR,
                also=(r"via P2P/",),
                unless=_NO_HELP,
            ),
            Sign(r"hipIpc(?:Get|Open)MemHandle failed", FAIR),
            Sign(r"P2P is disabled between NVLINK connected GPUs"),
            Sign(r"p2p\.cc:\d+ NCCL WARN (?!Unable|NET)", FAIR),
            Sign(r"NCCL WARN (?:failed|Failed) to (?:open CUDA IPC|peer with device|get handle)", FAIR),
            Sign(r"Could not enable P2P between dev \d+", FAIR),
            Sign(r"Peer-to-Peer (?:access|connection) .{0,60}(?:not supported|failed|not available)", FAIR),
            Sign(r"mapping of buffer object failed", FAIR, also=(r"NCCL|nccl|p2p",)),
            Sign(r"via P2P/(?:IPC|direct pointer|CUMEM)", WEAK, also=(r"Watchdog caught collective operation timeout",)),
            Sign(r"DDP expects same model across all ranks, but Rank \d+ has \d+ params, while rank \d+ has inconsistent 0 params", WEAK),
        ),
        fixes=(
            Fix(
                do="Switch the P2P transport off: set NCCL_P2P_DISABLE=1 (and NCCL_IB_DISABLE=1 on GeForce RTX 40 machines) in the "
                "environment before the start; accelerate launch sets both by itself.",
                commands=("NCCL_P2P_DISABLE=1 NCCL_IB_DISABLE=1 torchrun --nproc_per_node=2 train.py", "accelerate launch train.py"),
                code='os.environ["NCCL_P2P_DISABLE"] = "1"  # before torch.distributed is initialised',
            ),
            Fix(
                do="To get P2P where the hardware has it: update the driver, switch IOMMU off or to passthrough and PCIe ACS off in the "
                "BIOS (not in virtual machines; AMD: iommu=pt on the kernel command line), and test with p2pBandwidthLatencyTest or nvidia-smi topo -p2p r.",
                commands=("nvidia-smi topo -m", "nvidia-smi topo -p2p r"),
                who="admin",
                risk="restart",
            ),
        ),
        refines=_GENERAL,
        explains=_ECHOES,
        examples=(
            "NotImplementedError: Using RTX 4000 series doesn't support faster communication broadband via P2P or IB. Please set "
            '`NCCL_P2P_DISABLE="1"` and `NCCL_IB_DISABLE="1" or use `accelerate launch` which will do this automatically.',
            "ncclUnhandledCudaError: Call to CUDA function failed.\nLast error:\nCuda failure 'peer access is not supported between these "
            "two devices'",
            "simpleP2P: Verification error @ element 0: val = nan, ref = 0.000000\nTest failed!",
            "h:1:2 [0] NCCL INFO Channel 00 : 0[0] -> 1[1] via P2P/direct pointer\nand there it hangs, both GPUs at 100 %; with "
            "NCCL_P2P_DISABLE=1 the same script works",
            "        ACSCtl: SrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-\nNCCL all_reduce hangs here",
            "Unidirectional P2P=Disabled Bandwidth Matrix (GB/s)\n   D\\D     0      1\n     0 801.10  13.02\n     1  13.11 803.20\n"
            "Unidirectional P2P=Enabled Bandwidth (P2P Writes) Matrix (GB/s)\n   D\\D     0      1\n     0 801.30   1.44\n     1   1.51 802.99",
            ">>> x\ntensor([3., 5.], device='cuda:0')\n>>> x.to('cuda:1')\ntensor([0., 0.], device='cuda:1')",
        ),
        counterexamples=(
            "h:1:2 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[1] via P2P/IPC\nh:1:2 [0] NCCL INFO Connected all rings\nstep 10 loss 2.1",
            "        ACSCtl: SrcValid- TransBlk- ReqRedir- CmpltRedir- UpstreamFwd- EgressCtrl- DirectTrans-\nnccl ok",
            "Unidirectional P2P=Disabled Bandwidth Matrix (GB/s)\n     0 801.10  13.02\nUnidirectional P2P=Enabled Bandwidth (P2P Writes) "
            "Matrix (GB/s)\n     0 801.30  25.44",
            "export NCCL_P2P_DISABLE=1\nepoch 1 loss 0.3",
            "training hangs, NCCL_P2P_DISABLE=1 does not help, it still hangs",
        ),
    ),
)
