"""GPU memory that is there but not to be had: in pieces, or held by another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.causes.cuda_memory import CONSEQUENCES, CUT_WORDING, NEW_WORDING, OLD_WORDING, RUNNING, fragmented, held_elsewhere, size_of

_SUMMARY = r"Allocated memory \| (?P<allocated>\d+ [KMGT]?i?B) \|.{0,1200}?GPU reserved memory \| (?P<reserved>\d+ [KMGT]?i?B) \|"

FRAGMENTATION = Cause(
    slug="cuda-oom-fragmentation",
    title="Much GPU memory is reserved by PyTorch but lies in pieces too small for the request",
    why="PyTorch has reserved much more than it has allocated: the free part of its cache would hold the request, but not in one piece. "
    "Sizes that vary from step to step split the cache like this.",
    signs=(
        Sign(OLD_WORDING, STRONG, test=fragmented),
        Sign(NEW_WORDING, STRONG, test=fragmented),
        Sign(_SUMMARY, STRONG, also=(r"CUDA OOMs: [1-9]",), test=fragmented),
        Sign(_SUMMARY, FAIR, also=(r"out of memory",), test=fragmented),
        Sign(
            r"(?P<allocated>[\d.]+ [KMG]i?B) is allocated by PyTorch,.{0,120}? (?P<unused>[\d.]+ [KMG]i?B) is reserved by PyTorch but unallocated",
            FAIR,
            unless=(r"has a total capac",),
            test=fragmented,
        ),
        Sign(
            r"(?P<allocated>[\d.]+ [KMG]i?B) already allocated; (?P<free>[\d.]+ [KMG]i?B) free; (?P<reserved>[\d.]+ [KMG]i?B) (?P<word>reserved|cached)",
            FAIR,
            unless=(r"total capacity",),
            test=fragmented,
        ),
    ),
    fixes=(
        Fix(
            do="Set PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True before Python starts (torch 2.1 or newer, Linux), so that segments "
            "grow "
            "instead of fragmenting; newest versions also read PYTORCH_ALLOC_CONF.",
            commands=("export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",),
            when="os!=windows",
        ),
        Fix(
            do="On older torch, or on Windows, limit the splitting of large blocks: PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128.",
            commands=("export PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128",),
        ),
        Fix(
            do="Make sizes steadier (pad or bucket the inputs, largest batch first), free references and call torch.cuda.empty_cache() "
            "before the one large step (evaluation, saving, a longer sequence).",
        ),
        Fix(do="If it still fails, lower the peak: smaller batch size, activation checkpointing."),
    ),
    refines=("cuda-oom", "cuda-oom-at-load"),
    explains=("cuda-oom", *CONSEQUENCES),
    decide='python -c "import torch; help(torch.cuda.memory_summary)"',
    examples=(
        "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.70 GiB total capacity; 11.20 GiB already allocated; "
        "1.10 GiB "
        "free; 21.05 GiB reserved in total by PyTorch) If reserved memory is >> allocated memory try setting max_split_size_mb to avoid "
        "fragmentation.",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.10 GiB. GPU 0 has a total capacity of 44.53 GiB of which 1.90 "
        "GiB is "
        "free. Process 88121 has 42.60 GiB memory in use. Of the allocated memory 28.30 GiB is allocated by PyTorch, and 13.71 GiB is "
        "reserved by PyTorch but unallocated.",
        "24.10 GiB already allocated; 1.30 GiB free; 5.90 GiB cached",
        "Of the allocated memory 12.00 GiB is allocated by PyTorch, and 9.10 GiB is reserved by PyTorch but unallocated.",
    ),
    counterexamples=("export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True\nepoch 1 loss 0.41",),
)

_EMPTY_CARD_FRAMES = (
    r"\.cuda\(",
    r"_lazy_init",
    r"torch\._C\._cuda_init",
    r"_cuda_deserialize",
    r"restore_location",
    r"torch\.cuda\.set_device",
    r"return t\.to\(device",
    r"device ?= ?.?cuda",
    r"torch\.cuda\.empty_cache\(",
    r"torch\.cuda\.synchronize\(",
    r"mem_get_info",
    r"manual_seed",
)

_COMPLAINTS = (
    r"out of memory",
    r"still ",
    r"release",
    r"occupied",
    r"zombie",
    r"no process",
    r"\bfreed\b",
    r"leftover",
    r"cannot free",
    r"taken",
)


def _taken(groups: Mapping[str, str], _: Any) -> bool:
    """A fifth of the card or more is in use (a desktop takes about one GiB)."""
    used = int(groups["used"])
    return used >= max(0.2 * int(groups["total"]), 1500)


OTHER_PROCESS = Cause(
    slug="cuda-oom-other-process",
    title="The GPU is full, but not through this process: another or a leftover process holds the memory",
    why="What this process holds is small against what is taken: total minus free minus its own share remains. That belongs to another "
    "process: another job, a second launch, a notebook kernel, or a worker left over from an earlier run.",
    signs=(
        Sign(OLD_WORDING, STRONG, test=held_elsewhere),
        Sign(NEW_WORDING, STRONG, test=held_elsewhere),
        Sign(CUT_WORDING, FAIR, test=held_elsewhere),
        Sign(r"\d{2,8} C Unknown Error \d{3,6}MiB", FAIR),
        # nvidia-smi: memory taken, nothing running, no process in the list
        *(
            Sign(
                r"(?P<used>\d{4,6})MiB / (?P<total>\d{4,6})MiB \| 0% .{0,1500}?Usage \|[ |]{0,4}=+\| "
                r"(?:\| No running processes found \| )?\+-",
                FAIR,
                also=(complaint,),
                near=3000,
                test=_taken,
            )
            for complaint in _COMPLAINTS
        ),
        # the caching allocator always says how much it tried to allocate: without that, the context itself found no room
        *(
            Sign(r"CUDA error: out of memory", FAIR, also=(frame,), unless=(r"Tried to allocate", *RUNNING), near=3500)
            for frame in _EMPTY_CARD_FRAMES
        ),
        *(
            Sign(r"cuda runtime error \(2\) ?: out of memory", FAIR, also=(frame,), unless=(*RUNNING, r"in forward"), near=3000)
            for frame in (r"_lazy_init", r"torch\._C\._cuda_init", r"THCGeneral\.cpp", r"THCTensorRandom", r"manual_seed")
        ),
        Sign(
            r"(?P<used>\d+)MiB / (?P<total>\d+)MiB",
            FAIR,
            also=(r"CUDA error: out of memory",),
            test=lambda groups, situation: int(groups["used"]) > 0.9 * int(groups["total"]),
        ),
        Sign(
            r"(?P<total>[\d.]+ GiB) total capacity; (?P<allocated>[\d.]+ [KMG]i?B) already allocated[;,.]? ?$",
            FAIR,
            test=lambda groups, _: size_of(groups["allocated"]) < 0.1 * size_of(groups["total"]),
        ),
        Sign(
            r"(?P<allocated>[\d.]+ [KM]i?B) already allocated; (?P<free>[\d.]+ [KM]i?B) free; (?P<reserved>[\d.]+ [KM]i?B) reserved",
            FAIR,
            unless=(r"total capacity",),
        ),
    ),
    fixes=(
        Fix(
            do="Look at nvidia-smi for the process that holds GPU {gpu|the card}'s memory; where it shows none, fuser lists leftover "
            "Python processes. "
            "Stop the one that is yours (a stuck worker, an old notebook kernel).",
            commands=("nvidia-smi", "sudo fuser -v /dev/nvidia*"),
        ),
        Fix(
            do="Or run on another, free GPU: choose it with CUDA_VISIBLE_DEVICES before Python starts (and one process per GPU: one "
            "launcher "
            "per node, set_device(local_rank)).",
            commands=("CUDA_VISIBLE_DEVICES=1 python your_script.py",),
        ),
        Fix(
            do="If the other process belongs to someone else, agree on the memory or have the scheduler give the job a whole GPU.",
            who="admin",
        ),
    ),
    refines=("cuda-oom", "cuda-oom-at-load", "cuda-oom-fragmentation"),
    explains=("cuda-oom", *CONSEQUENCES),
    wrong_advice="The allocator setting that the message suggests does not help: the memory is not PyTorch's.",
    decide="nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv",
    examples=(
        "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 31.75 GiB total capacity; 1.02 GiB already allocated; "
        "12.00 MiB "
        "free; 1.06 GiB reserved in total by PyTorch)",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 MiB. GPU 1 has a total capacity of 79.25 GiB of which 31.19 "
        "MiB is "
        "free. Process 70112 has 71.02 GiB memory in use. Process 91377 has 8.19 GiB memory in use. Of the allocated memory 7.60 GiB is "
        "allocated by PyTorch, and 20.10 MiB is reserved by PyTorch but unallocated.",
        '    net = Net().cuda()\n  File "/opt/env/lib/python3.8/site-packages/torch/nn/modules/module.py", line 463, in cuda\n'
        "    return self._apply(lambda t: t.cuda(device))\nRuntimeError: CUDA error: out of memory",
        "My script ended, but the memory is still taken:\n| 41%   38C    P8    20W / 260W |  10213MiB / 11264MiB |      0%      Default |\n"
        "+------------+\n| Processes:                                      GPU Memory |\n|  GPU   PID   Type   Process name      Usage      |\n"
        "|=================================================|\n|  No running processes found                     |\n+----+",
        "GPU 0 has a total capacity of 31.73 GiB of which 5.38 MiB is free. Process 8121 has 28.02 GiB memory in use. Including non-PyTorch "
        "memory, this process has 3.70 GiB memory in use.",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 48.00 MiB (GPU 0; 39.40 GiB total capacity; 622.10 MiB already allocated;",
        "69.17 MiB already allocated; 24.56 MiB free; 86.00 MiB reserved in total by PyTorch",
    ),
    counterexamples=(
        "+-- Processes --+\n|  0   N/A  N/A   1702  C   python   9120MiB |",
        "The driver is still fine:\n| 30%   31C    P8    22W / 350W |      2MiB / 24576MiB |      0%      Default |\n"
        "| Processes:                                      GPU Memory |\n|  GPU   PID   Type   Process name      Usage      |\n"
        "|=================================================|\n|  No running processes found                     |\n+----+",
    ),
)

CAUSES = (FRAGMENTATION, OTHER_PROCESS)
