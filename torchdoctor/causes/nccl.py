"""NCCL itself: missing, of another version, out of memory, given the wrong tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign


def _where_nccl_never_is(_groups: Mapping[str, str], situation: Any) -> bool:
    """Paths show macOS or Windows: whatever the end of the traceback says, NCCL cannot start there."""
    return situation.os in ("macos", "windows")


CAUSES = (
    Cause(
        slug="nccl-not-built",
        refines=("distributed-backend-unknown",),
        title="The NCCL backend was asked for and this torch build does not contain NCCL",
        why="NCCL exists for Linux with NVIDIA GPUs only. The torch builds for Windows and macOS, and CPU-only wheels on Linux, do not "
        "contain it, whatever GPU the machine has.",
        signs=(
            Sign(r"Distributed package doesn['’`]?t have NCCL"),
            Sign(r"doesn['’]t have NCCL ?['\"]? ?['\"]?built[- ]in"),
            Sign(r"(?:module|package) ['\"]torch[\w.]{0,40}['\"] has no attribute ['\"]ProcessGroupNCCL['\"]"),
            Sign(r"cannot import name ['\"]ProcessGroupNCCL['\"]"),
            Sign(r"NCCL (?:backend )?is not (?:available|supported) (?:on|in) (?:Windows|MacOS|this build)", FAIR),
            Sign(r"RuntimeError: (?:PyTorch is )?not compiled with NCCL support"),
            Sign(r"(?:Error|Exception): .{0,60}\bnot (?:been )?(?:built|compiled) with NCCL"),
            Sign(r"(?:Error|Exception): .{0,60}\bNCCL not built[- ]in"),
            Sign(r"(?:Error|Exception): .{0,40}\bNCCL (?:backend |library )?(?:is )?not (?:available|supported|installed)", FAIR),
            Sign(r"(?:Error|Exception): .{0,80}is_nccl_available\(\) (?:is|returns?|==) False", FAIR),
            Sign(r"\btorch\.distributed['\"]? has no attribute ['\"](?:nccl|NCCL)['\"]", FAIR),
            Sign(r"Unknown c10d backend type NCCL"),
            Sign(r"NCCL support is not compiled"),
            Sign(
                r"init_process_group\( ?(?:backend ?= ?)?['\"]nccl['\"]", FAIR, also=(r"distributed_c10d\.py",), test=_where_nccl_never_is
            ),
        ),
        fixes=(
            Fix(
                do='On Windows use the gloo backend (init_process_group("gloo")), or train on one GPU in a single process without DDP '
                "(accelerate config: no distributed training); WSL2 or Linux has NCCL.",
                code='dist.init_process_group("gloo")',
                when="os=windows",
            ),
            Fix(
                do="On macOS use the gloo backend and the CPU or MPS device, or a single process without distributed launch; NCCL needs "
                "Linux with NVIDIA GPUs.",
                code='dist.init_process_group("gloo")',
                when="os=macos",
            ),
            Fix(
                do='Use the gloo backend where there is no NCCL (Windows, macOS, CPU): init_process_group("gloo"), or a single process '
                "without DDP. Multi-GPU with NCCL needs Linux or WSL2.",
                code='dist.init_process_group("nccl" if dist.is_nccl_available() and torch.cuda.is_available() else "gloo")',
            ),
            Fix(
                do="On Linux with an NVIDIA GPU install a CUDA build of torch instead of the CPU-only wheel; it brings NCCL.",
                commands=("pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu128",),
                when="os!=windows|macos",
            ),
        ),
        patch="backend-gloo",
        explains=("mp-spawn-wrapper", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: Distributed package doesn't have NCCL built in",
            'raise RuntimeError("Distributed package doesn\'t have NCCL " "built in")',
            "AssertionError: NCCL is not available",
            "ValueError: this build of the library was not compiled with NCCL",
        ),
        counterexamples=(
            "UserWarning: PyTorch is not compiled with NCCL support",
            "RuntimeError: Distributed package doesn't have MPI built in.",
        ),
    ),
    Cause(
        slug="nccl-no-gpu-visible",
        title="The NCCL backend was asked for and torch sees no GPU",
        why="ProcessGroupNCCL needs a GPU in every process. torch.cuda.is_available() is False here: no driver, no GPU given to the "
        "container or job, or CUDA_VISIBLE_DEVICES is empty.",
        signs=(
            Sign(r"ProcessGroupNCCL is only supported with GPUs, no GPUs found"),
            Sign(r"only supported with GPUs, no GPUs found"),
            Sign(r"NCCL WARN Cuda failure (?:\d+ )?['\"]no CUDA-capable device is detected"),
            Sign(r"(?:Error|Exception): .{0,40}\bNCCL (?:backend )?(?:requires|needs) (?:a |an |at least one )?(?:CUDA|GPU|NVIDIA)", FAIR),
            Sign(r"(?:Error|Exception): .{0,40}\b(?:CUDA|GPUs?) (?:must be|is required|are required).{0,40}\bNCCL", FAIR),
        ),
        fixes=(
            Fix(
                do="Make the GPUs visible to the process: nvidia-smi must list them, the container needs --gpus all, the job needs "
                "--gres=gpu:N, CUDA_VISIBLE_DEVICES must not be empty.",
                commands=("nvidia-smi -L", 'python -c "import torch; print(torch.version.cuda, torch.cuda.device_count())"'),
            ),
            Fix(do='To run on the CPU, use the gloo backend: init_process_group("gloo").', code='dist.init_process_group("gloo")'),
        ),
        patch="backend-gloo",
        examples=(
            "ValueError: ProcessGroupNCCL is only supported with GPUs, no GPUs found!",
            "RuntimeError: ProcessGroupNCCL is only supported with GPUs, no GPUs found!",
            "w1:9:9 [0] init.cc:210 NCCL WARN Cuda failure 'no CUDA-capable device is detected'",
        ),
        counterexamples=("No GPUs found, falling back to CPU",),
    ),
    Cause(
        slug="nccl-lib-mismatch",
        title="torch loads another libnccl than the one it was built with",
        why="libtorch_cuda looks for the function {symbol|named in the message} in the NCCL library that the loader finds first. That is "
        "an older libnccl.so.2 (system package, conda, LD_LIBRARY_PATH, or another pip version) which does not have it.",
        signs=(
            Sign(r"undefined(?: |%20)symbol:(?: |%20)?(?P<symbol>nccl\w+)"),
            Sign(r"libtorch_cuda\w*\.so: .{0,50}(?P<symbol>nccl[A-Z]\w+)"),
            Sign(r"symbol lookup error: .{0,200}(?P<symbol>nccl[A-Z]\w+)"),
            Sign(r"symbol (?P<symbol>nccl\w+), version"),
            Sign(r"libnccl\.so[.\d]*: (?:version .{0,40} not found|cannot open shared object file|invalid ELF|file too short|wrong ELF)"),
            Sign(r"libnccl\.so[.\d]* => not found"),
            Sign(r"Failed to load NCCL library", FAIR, unless=(r"platform cpu|device(?:_type)?[=:] ?['\"]?cpu|device_config=cpu",)),
            Sign(r"(?:built|compiled) (?:with|against|for) NCCL (?:version )?\d[\d.]*.{0,40}(?:\bbut\b|found|loaded|at runtime)", FAIR),
            Sign(r"NCCL version mismatch", FAIR, unless=(r"Mismatched NCCL version detected",)),
            Sign(r"requires nvidia-nccl-cu\d{2}==\S{1,20} .{0,100}you have nvidia-nccl-cu", FAIR),
        ),
        fixes=(
            Fix(
                do="Make torch find its own NCCL version: install the nvidia-nccl wheel that this torch requires (reinstall torch with "
                "its dependencies), and remove the other NCCL from the environment.",
                commands=("pip list | grep -i nccl", "pip install --force-reinstall torch"),
            ),
            Fix(
                do="Take the folder with the other libnccl.so.2 out of LD_LIBRARY_PATH (and unset LD_PRELOAD); a fresh virtual "
                "environment avoids a mix of conda and pip copies.",
                commands=("unset LD_LIBRARY_PATH", 'python -c "import torch; print(torch.cuda.nccl.version())"'),
            ),
        ),
        examples=(
            "ImportError: /opt/env/lib/python3.11/site-packages/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommSplit",
            "OSError: libnccl.so.2: cannot open shared object file: No such file or directory",
            "ImportError: libnccl.so.2: file too short",
            'torch 2.5.1 requires nvidia-nccl-cu12==2.21.5; platform_system == "Linux", but you have nvidia-nccl-cu12 2.18.3 which is '
            "incompatible.",
        ),
        counterexamples=(
            "ImportError: libtorch_cuda.so: undefined symbol: cudnnGetVersion",
            "frame #6: c10d::ProcessGroupNCCL::watchdogHandler() + 0x77c (0x7f00 in /env/torch/lib/libtorch_cuda.so)\nframe #7: "
            "c10d::ProcessGroupNCCL::ncclCommWatchdog() + 0x10c (0x7f00 in /env/torch/lib/libtorch_cuda.so)",
        ),
    ),
    Cause(
        slug="nccl-version-differs-between-ranks",
        title="The ranks use different NCCL versions",
        why="All ranks of a communicator need the same NCCL. The nodes have different environments or images, so each loads its own "
        "version.",
        signs=(
            Sign(r"Mismatched NCCL version detected : rank (?P<first>\d+) version (?P<one>\d+) rank (?P<second>\d+) version (?P<two>\d+)"),
            Sign(r"Mismatched NCCL version detected"),
        ),
        fixes=(
            Fix(
                do="Install the same torch (and thereby the same NCCL) on every node: the same container image or the same environment, "
                "and check each node.",
                commands=('python -c "import torch; print(torch.__version__, torch.cuda.nccl.version())"',),
            ),
        ),
        examples=("n2:88:99 [0] init.cc:1010 NCCL WARN Mismatched NCCL version detected : rank 0 version 21805 rank 8 version 22005",),
        counterexamples=("NCCL version 2.20.5+cuda12.4",),
    ),
    Cause(
        slug="nccl-cpu-tensor",
        title="A CPU tensor was sent through a process group that only has NCCL",
        why="NCCL moves data between GPUs only. A tensor on the CPU (an object gather, a loss or metric kept on the CPU, an offloaded "
        "parameter) has no backend in this group.",
        signs=(
            Sign(r"No backend type associated with device type cpu"),
            Sign(r"Tensors must be CUDA and dense"),
            Sign(r"Tensors must be (?:GPU|CUDA) tensors", FAIR),
            Sign(r"ProcessGroupNCCL.{0,80}(?:CPU tensor|must be on (?:the )?GPU)", FAIR),
            Sign(r"Expected all tensors to be CUDA.{0,60}(?:nccl|collective)", FAIR),
            Sign(r"nccl communicator is created to work on cuda:\d+, but the input tensor is on cpu"),
            Sign(r"(?:Error|Exception): .{0,40}\bNCCL (?:backend )?only supports (?:CUDA|GPU)", FAIR),
            Sign(r"(?:Error|Exception): .{0,40}\bNCCL (?:backend )?does not support (?:\w+ )?CPU", FAIR),
            Sign(r"(?:Error|Exception): Tensors must be CUDA\b(?! tensors)", FAIR),
        ),
        fixes=(
            Fix(
                do='Move the tensor to the GPU of this rank before the collective: t.to(f"cuda:{{local_rank}}") or t.cuda().',
                code="t = t.to(torch.cuda.current_device())\ndist.all_reduce(t)",
            ),
            Fix(
                do='Or create the group with a backend for each device, "cpu:gloo,cuda:nccl", so that CPU tensors go through gloo.',
                code='dist.init_process_group("cpu:gloo,cuda:nccl")',
            ),
            Fix(
                do="If a library makes the tensor (object collectives, offloaded FSDP state), call torch.cuda.set_device(local_rank) "
                "first, and upgrade torch."
            ),
        ),
        examples=(
            "RuntimeError: No backend type associated with device type cpu",
            "RuntimeError: Tensors must be CUDA and dense",
            "AssertionError: this nccl communicator is created to work on cuda:1, but the input tensor is on cpu",
        ),
        counterexamples=("RuntimeError: No backend type associated with device type cuda",),
    ),
    Cause(
        slug="nccl-unsupported-dtype",
        title="NCCL cannot send tensors of this dtype ({dtype|bool, int16 or complex})",
        why="NCCL knows float, double, half, bfloat16, int8, uint8, int32 and int64. Other types have to be converted before the "
        "collective.",
        signs=(
            Sign(r"Input tensor data type is not supported for NCCL process group: (?P<dtype>\w+)"),
            Sign(r"Unsupported data type for NCCL process group"),
            Sign(r"[Uu]nconvertible NCCL type (?P<dtype>\w+)"),
            Sign(r"(?P<dtype>Float8) dtypes are not curr\w+ supported for NCCL"),
            Sign(r"(?:dtype|data type|type) \S{1,30} (?:is )?not supported (?:by|for|in|with) NCCL", FAIR),
        ),
        fixes=(
            Fix(
                do="Convert the tensor before the collective and back after it, for example bool or int16 to uint8 or int32; float8 as "
                "uint8.",
                code="flag = mask.to(torch.uint8)\ndist.all_reduce(flag, op=dist.ReduceOp.MAX)\nmask = flag.bool()",
            ),
        ),
        examples=(
            "RuntimeError: Input tensor data type is not supported for NCCL process group: Short",
            "TypeError: Float8 dtypes are not currenlty supported for NCCL reductions",
        ),
        counterexamples=("RuntimeError: expected scalar type Short but found Float",),
    ),
    Cause(
        slug="collective-not-contiguous",
        title="A tensor that is not contiguous was given to a collective",
        why="Collectives read and write plain memory. A slice, transpose or expanded tensor has gaps.",
        signs=(
            Sign(r"(?:ValueError|RuntimeError): Tensors must be contiguous"),
            Sign(r"Tensors for all \w{1,20} must be contiguous", FAIR),
        ),
        fixes=(
            Fix(
                do="Call .contiguous() before the collective, and copy the result back where it is written in place.",
                code="t = t.contiguous()\ndist.all_reduce(t)",
            ),
        ),
        examples=("ValueError: Tensors must be contiguous",),
        counterexamples=("RuntimeError: view size is not compatible with input tensor's size and stride; use .contiguous()",),
    ),
)
