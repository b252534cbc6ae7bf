"""Limits of the host: disk and main memory."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_AFTER = ("peer-rank-died-elsewhere", "user-error-in-rank", "nccl-timeout-straggler", "nccl-watchdog-abort")
_SAVING = (
    r"torch\.save\(",
    r"save_checkpoint",
    r"save_pretrained",
    r"save_file\(",
    r"_save_checkpoint",
    r"save_model",
    r"save_state",
    r"in _save\b",
    r"serialization\.py",
    r"checkpoint[/\\]filesystem\.py",
    r"_write_files_from_queue",
    r"async_save",
    r"Saving (?:\w+ ){0,3}checkpoint",
)

_READ_ONLY = (("30", "Read-only file system"), ("116", "Stale file handle"))

SAVE_FAILED = Cause(
    slug="checkpoint-save-failed",
    title="Writing a checkpoint failed: the disk is full, over quota, or reports an I/O error",
    why="torch.save writes a zip archive; when the file system takes no more bytes, the writer stops with an internal message such as "
    '"unexpected pos" or "file write '
    'failed" that does not name the disk.',
    signs=(
        Sign(r"PytorchStreamWriter failed"),
        Sign(r"\d+ requested and \d+ written", FAIR),
        Sign(r"Parent directory .{1,250} does not exist", FAIR),
        *(Sign(rf"\[Errno {number}\] {text}", FAIR, also=(frame,), near=3000) for number, text in _READ_ONLY for frame in _SAVING),
        Sign(r"No space left on device.{0,200}(?:ckpt|checkpoint|\.pth?\b|\.safetensors|\.bin\b)", FAIR, unless=(r"/dev/shm",)),
        Sign(r"(?:ckpt|checkpoint|\.pth?\b|\.safetensors).{0,160}No space left on device", FAIR, unless=(r"/dev/shm",)),
        Sign(r"inline_container\.cc:\d+\] ?\. unexpected pos \d+ vs \d+"),
        Sign(r"unexpected pos \d+ vs \d+"),
        Sign(r"write\(\): fd \d+ failed with (?:Input/output error|No space left on device|Disk quota exceeded|\w+)"),
        Sign(r"basic_ios::clear: iostream error", FAIR),
        Sign(r"PyTorchFileWriter\(.{0,400}cannot be opened", FAIR),
        Sign(r"RuntimeError: File \S{1,200} cannot be opened", FAIR),
        Sign(r"Error while serializing: I/?o ?Error"),
        Sign(r"SafetensorError: .{0,60}(?:StorageFull|No space left|code: 28|code: 122)"),
        Sign(r"error in writing file.{0,60}torch", FAIR),
        *(Sign(r"No space left on device", STRONG, also=(frame,), unless=(r"/dev/shm",), near=3000) for frame in _SAVING),
        *(Sign(r"Disk quota exceeded", STRONG, also=(frame,), near=3000) for frame in _SAVING),
        *(Sign(r"\[Errno 5\] Input/output error", FAIR, also=(frame,), near=3000) for frame in _SAVING),
        Sign(r"Disk quota exceeded.{0,200}(?:ckpt|checkpoint|\.pth?\b|\.safetensors|\.bin\b)", FAIR),
        ends_in("torch/serialization.py", "__exit__", code=r"write_end_of_file"),
        Sign(r"\bdata[/.]\w{1,12}: file write failed"),
        ends_in("torch/serialization.py", "_save|save", code=r"(?:write_record|_write_file)\("),
    ),
    fixes=(
        Fix(
            do="Free disk space on the volume of the checkpoints (delete old ones, caches), or check the quota (and that the folder "
            "exists and is writable); then continue from the "
            "last whole checkpoint: the one "
            "just written is not usable.",
            commands=("df -h .", "df -i .", "quota -s"),
        ),
        Fix(
            do="Write to another volume with room, and keep fewer or smaller checkpoints: save_total_limit, save_only_model.",
            code='TrainingArguments(..., output_dir="/data/out", save_total_limit=2)',
        ),
        Fix(
            do="If there is space: an I/O error points at the disk or the network file system; look at dmesg and the server.",
            commands=("sudo dmesg -T | tail",),
            who="admin",
        ),
    ),
    explains=_AFTER,
    decide="df -h .",
    examples=(
        "    torch.save(state, path)\nRuntimeError: [enforce fail at inline_container.cc:603] . unexpected pos 1207959552 vs 1207959446",
        "[rank0]: RuntimeError: [enforce fail at inline_container.cc:778] . PytorchStreamWriter failed writing file data/214: file write "
        "failed",
        "OSError: 134217728 requested and 0 written",
        "RuntimeError: Parent directory /srv/out/run7 does not exist.",
        "OSError: [Errno 28] No space left on device: '/data/out/checkpoint-900/optimizer.pt'",
        "RuntimeError: [enforce fail at inline_container.cc:353] . PytorchStreamWriter failed closing: file write failed",
        '  File "/srv/x/hooks.py", line 20, in save_checkpoint\n    shutil.copy(a, b)\nOSError: [Errno 28] No space left on device',
        'safetensors_rust.SafetensorError: Error while serializing: IoError(Os {{ code: 28, kind: StorageFull, message: "No space left '
        'on device" }})'.replace("{{", "{").replace("}}", "}"),
        '  File "/opt/env/lib/python3.10/site-packages/torch/serialization.py", line 484, in __exit__\n    self.file_like.write_end_of_file()',
        '  File "/opt/env/lib/python3.10/site-packages/torch/serialization.py", line 866, in _save\n    zip_file.write_record("data.pkl", data_value, len(data_value))',
    ),
    counterexamples=(
        "Saving model checkpoint to /data/out/checkpoint-100",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    ),
)

CPU_ALLOC = Cause(
    slug="host-cpu-alloc-failed",
    title="A tensor could not be allocated in the host's memory",
    why="PyTorch asked the operating system for main memory and was refused. Either the host is really full, or a wrong size (a shape, a "
    "broadcast) asks for far more than "
    "was meant.",
    signs=(
        Sign(r"DefaultCPUAllocator: (?:can't allocate memory|not enough memory): you tried to allocate (?P<bytes>\d+) bytes"),
        Sign(r"DefaultCPUAllocator: (?:can't allocate memory|not enough memory)"),
        Sign(r"enforce fail at (?:alloc_cpu|CPUAllocator)\.cpp"),
        Sign(r"not enough memory: you tried to allocate \d+\s?GB"),
        Sign(r"std::bad_alloc", FAIR),
        Sign(r"Buy new RAM!"),
        Sign(r"RuntimeError: bad allocation", FAIR),
        Sign(r"memory allocation of \d+ bytes failed", FAIR),
        Sign(r"Unable to allocate [\d.]+ [KMGTP]iB for an array with shape", FAIR),
        Sign(r"(?:unable|failed) to allocate CPU\w{0,8} buffer", FAIR),
        Sign(r"requires more system memory \(", FAIR),
        Sign(r"Insufficient memory\) Failed to allocate \d+ bytes", FAIR),
        Sign(r"malloc of size \d+ failed", FAIR),
        Sign(r"fork: (?:retry: )?Cannot allocate memory", FAIR),
        Sign(r"MemoryError", FAIR, alone=True, also=(r"torch",)),
        Sign(r"OSError: \[Errno 12\] Cannot allocate memory"),
        Sign(r"unable to mmap \d+ bytes from file .{0,200}Cannot allocate memory"),
        Sign(r"\[Errno 12\] Cannot allocate memory", FAIR),
        Sign(r"_ArrayMemoryError: Unable to allocate", FAIR),
        Sign(r"numpy\.core\._exceptions\.MemoryError: Unable to allocate", FAIR),
        Sign(r"posix_memalign\(.{0,100}\b12 (?:!=|vs) 0"),
    ),
    fixes=(
        Fix(
            do="Check whether the requested size is meant ({bytes|the number in the message} bytes): a wrong shape, a broadcast of (N,1) "
            "with (1,N), or a whole dataset in one tensor.",
        ),
        Fix(
            do="Need less at a time: smaller batch size, fewer DataLoader workers, half precision or low_cpu_mem_usage=True when "
            "loading, memory-mapped data "
            "(torch.load(..., mmap=True))."
        ),
        Fix(do="Give the host (container, job, WSL) more RAM or swap: docker --memory, Slurm --mem, .wslconfig.", commands=("free -h",)),
    ),
    explains=_AFTER,
    decide="free -h",
    examples=(
        "RuntimeError: [enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "25769803776 bytes. Error code 12 (Cannot "
        "allocate memory)",
        "RuntimeError: [enforce fail at CPUAllocator.cpp:72] data. DefaultCPUAllocator: not enough memory: you tried to allocate "
        "1474560000 bytes.",
        "RuntimeError: $ Torch: not enough memory: you tried to allocate 18GB. Buy new RAM! at /pytorch/aten/src/TH/THGeneral.cpp:218",
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 14.9 GiB for an array with shape (200000, 10000) and data type float64",
        "llama_model_load: error loading model: unable to allocate CPU buffer",
        "    pid = os.fork()\nOSError: [Errno 12] Cannot allocate memory",
        "Expected posix_memalign(&p, alignment, size) == 0, but received posix_memalign(&p, alignment, size):12 != 0:0.",
    ),
    counterexamples=("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",),
)

PINNED = Cause(
    slug="pinned-memory-failed",
    title="Page-locked (pinned) host memory could not be allocated",
    why="pin_memory and CPU offload lock pages of the host's memory through CUDA. It fails when the host has too little, or the limit "
    "for locked memory is low (WSL, "
    "containers).",
    signs=(
        Sign(r"cudaHostAlloc\w{0,10}.{0,80}(?:out of memory|failed)"),
        Sign(r"cudaHostRegister.{0,80}(?:out of memory|failed)"),
        Sign(r"in pin_memory .{0,300}CUDA error: (?:out of memory|OS call failed)", FAIR),
        Sign(r"requested memory range is already mapped", FAIR),
        Sign(r"CachingHostAllocator.{0,200}out of memory", FAIR),
        Sign(r"data\.pin_memory\(.{0,40} RuntimeError: CUDA error: out of memory", FAIR),
        Sign(r"pin_memory(?:=True|\(\)).{0,300}CUDA error: (?:invalid argument|OS call failed)"),
        Sign(r"pinned_memory.{0,400}(?:cudaErrorOperatingSystem|OS call failed)"),
        Sign(r"cudaErrorOperatingSystem.{0,200}pinned_memory", FAIR),
    ),
    fixes=(
        Fix(
            do="Set pin_memory=False in the DataLoader (dataloader_pin_memory=False in the Trainer), or pin_memory: false in the offload "
            "configuration.",
            code="DataLoader(dataset, pin_memory=False)",
        ),
        Fix(do="Give the host more RAM, or raise the limit for locked memory (in WSL2 the memory of .wslconfig).", commands=("ulimit -l",)),
    ),
    refines=(
        "cuda-oom",
        "cuda-oom-other-process",
        "cuda-oom-at-load",
        "cuda-unknown-error",
        "cuda-invalid-argument",
    ),
    examples=(
        '  File "/opt/env/lib/python3.10/site-packages/torch/utils/data/_utils/pin_memory.py", line 55, in pin_memory\n    return '
        "data.pin_memory(device)\n"
        "RuntimeError: CUDA error: out of memory",
        "    buffer = torch.empty(size, dtype=torch.uint8, pin_memory=True)\nRuntimeError: CUDA error: invalid argument",
    ),
    counterexamples=("UserWarning: 'pin_memory' argument is set as true but no accelerator is found",),
)

CAUSES = (SAVE_FAILED, CPU_ALLOC, PINNED)
