"""Failures between a DataLoader and its workers."""

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

# the C library names the signal in the language of the machine
_BUS_ERROR = (
    "Bus error|Ошибка шины|总线错误|匯流排錯誤|バスエラー|버스 오류|Bus-?(?:Zugriffs)?fehler|Erreur (?:de|du) bus|Error (?:de|del|en el) bus|"
    "Erro de (?:barramento|bus)|Errore (?:di|del) bus|Błąd szyny"
)

SHM = Cause(
    slug="dataloader-shm",
    title="Shared memory (/dev/shm) is too small for the batches that DataLoader workers pass on",
    why="Workers hand tensors over in /dev/shm. A container has 64 MB of it by default; when it is full, the worker gets a bus error.",
    signs=(
        Sign(r"DataLoader worker \(pid\(?s?\)? ?\d*\)? is killed by signal: Bus error"),
        Sign(r"killed by signal: Bus error"),
        Sign(rf"DataLoader worker .{{0,80}}(?:{_BUS_ERROR})"),
        Sign(r"workers are out of shared memory"),
        Sign(r"raise your shared memory limit"),
        Sign(r"DataLoader worker .{0,160}(?:разделяемой памяти|共享内存|共有メモリ)"),
        Sign(r"unable to mmap memory: you tried to mmap", FAIR),
        Sign(r"multiprocessing[/\\](?:heap|shared_memory|synchronize)\.py.{0,400}No space left on device"),
        Sign(r"Unexpected bus error encountered in worker"),
        Sign(r"insufficient shared memory \(shm\)"),
        Sign(r"might be caused by insufficient shared memory"),
        Sign(r"unable to (?:mmap|write to|resize|allocate) .{0,40}file <?/torch_\w+"),
        Sign(r"unable to allocate shared memory\(shm\) for file"),
        Sign(r"unable to write to file </?torch_"),
        Sign(r"unable to open shared memory object </?torch_\w+> in read-write mode: No space left"),
        Sign(r"No space left on device.{0,200}/dev/shm", FAIR),
        Sign(r"/dev/shm.{0,120}No space left on device", FAIR),
        Sign(r"could not unlink the shared memory file /torch_"),
        Sign(r"\b100% /dev/shm", FAIR),
        ends_in("torch/multiprocessing/reductions.py", "reduce_storage", code=r"_share_(?:fd|filename)_cpu_"),
    ),
    fixes=(
        Fix(
            do="Give the container more shared memory: docker run --shm-size=16g (or --ipc=host); in Compose shm_size, in Kubernetes an "
            "emptyDir with "
            "medium: Memory mounted at /dev/shm.",
            commands=("docker run --gpus all --shm-size=16g IMAGE", "df -h /dev/shm"),
        ),
        Fix(
            do="Outside of a container enlarge /dev/shm.",
            commands=("sudo mount -o remount,size=32G /dev/shm",),
            who="admin",
        ),
        Fix(
            do="Or need less of it: fewer workers (num_workers=0 as a test), smaller prefetch_factor, "
            'torch.multiprocessing.set_sharing_strategy("file_system").',
            code="loader = DataLoader(dataset, batch_size=8, num_workers=2, prefetch_factor=2)",
        ),
    ),
    explains=("dataloader-worker-killed", "peer-rank-died-elsewhere", "nccl-watchdog-abort"),
    refines=("dataloader-worker-killed", "rank-sigbus-shm"),
    decide="df -h /dev/shm",
    examples=(
        "RuntimeError: DataLoader worker (pid 412) is killed by signal: Bus error. It is possible that dataloader's workers are out of "
        "shared memory. "
        "Please try to raise your shared memory limit.",
        "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).",
        "RuntimeError: unable to write to file </torch_913_1477150372>",
        "RuntimeError: DataLoader worker (pid 88) is killed by signal: Ошибка шины.",
        '  File "/usr/lib/python3.9/multiprocessing/heap.py", line 78, in __init__\n    os.ftruncate(self.fd, size)\n'
        "OSError: [Errno 28] No space left on device",
        "OSError: [Errno 28] No space left on device: '/dev/shm/pymp-k3jq'\nunable to allocate shared memory(shm) for file "
        "</torch_77_1>: Resource "
        "temporarily unavailable (11)",
        "$ df -h /dev/shm\nFilesystem      Size  Used Avail Use% Mounted on\nshm              64M   64M     0 100% /dev/shm",
        '  File "/opt/env/lib/python3.9/site-packages/torch/multiprocessing/reductions.py", line 359, in reduce_storage\n    fd, size = storage._share_fd_cpu_()',
    ),
    counterexamples=("RuntimeError: DataLoader worker (pid 21) is killed by signal: Killed.",),
)

PIN_THREAD = Cause(
    slug="pin-memory-thread",
    title="The pin-memory thread of the DataLoader is gone",
    why="torch 1.7 ends the pin-memory thread when a loader with persistent workers is reset, and the next epoch finds it dead. In other "
    "versions the "
    "thread died of an error that stands above this one.",
    signs=(
        Sign(r"Pin memory thread exited"),
        Sign(r"_pin_memory_loop.{0,200}not enough values to unpack"),
        Sign(r"Exception in thread Thread-\d+ \(_pin_memory_loop\)", FAIR),
        Sign(r"in pin memory thread for device", WEAK),
        Sign(r"pin_memory_thread.{0,200}(?:ConnectionResetError|EOFError|FileNotFoundError)", FAIR),
        Sign(r"in _pin_memory_loop.{0,1200}(?:ConnectionResetError|ConnectionRefusedError|BrokenPipeError)", FAIR),
        ends_in("torch/utils/data/_utils/pin_memory.py", "_pin_memory_loop|do_one_step", code=r"in_queue\.get"),
    ),
    fixes=(
        Fix(do="Upgrade PyTorch (1.8 or newer).", commands=("pip install --upgrade torch",)),
        Fix(
            do="Or switch it off: pin_memory=False or persistent_workers=False in the DataLoader.",
            code="DataLoader(dataset, num_workers=4, pin_memory=True, persistent_workers=False)",
        ),
    ),
    examples=(
        '  File "/opt/env/lib/python3.8/site-packages/torch/utils/data/dataloader.py", line 1024, in _get_data\n'
        "    raise RuntimeError('Pin memory thread exited unexpectedly')\nRuntimeError: Pin memory thread exited unexpectedly",
        '  File "/opt/env/lib/python3.8/site-packages/torch/utils/data/_utils/pin_memory.py", line 30, in _pin_memory_loop\n'
        "    idx, data = r\nValueError: not enough values to unpack (expected 2, got 0)",
        "Exception in thread Thread-3 (_pin_memory_loop):\nTraceback (most recent call last):\n"
        '  File "/usr/lib/python3.11/multiprocessing/connection.py", line 399, in _recv\n    raise EOFError\nEOFError',
        '  File "/opt/env/lib/python3.7/site-packages/torch/utils/data/_utils/pin_memory.py", line 28, in _pin_memory_loop\n    idx, data = r.get() if r else in_queue.get(timeout=MP_STATUS_CHECK_INTERVAL)',
    ),
    counterexamples=(
        "UserWarning: 'pin_memory' argument is set as true but no accelerator is found",
        'Thread 4411 (idle): "Thread-2 (_pin_memory_loop)"\n    wait (threading.py:331)',
    ),
)

COLLATE = Cause(
    slug="collate-unequal-size",
    title="The samples of one batch have different sizes and cannot be stacked",
    why="The default collate function stacks samples into one tensor, so all must have the same shape (and length and type).",
    signs=(
        Sign(r"stack(?:\(\):?)? expects each tensor to be equal size"),
        Sign(r"inconsistent tensor sizes?", STRONG, also=(r"collate",), near=3000),
        Sign(r"expected sequence of length \d+ at dim [1-9]\d* \(got \d+\)", FAIR),
        Sign(r"inhomogeneous shape after \d+ dimensions", FAIR, also=(r"collat",), near=3000),
        Sign(r"each element in list of batch should be of equal size"),
        Sign(r"Trying to resize storage that is not resizable", STRONG),
        Sign(r"Sizes of tensors must match except in dimension \d+", FAIR, also=(r"collate",), near=3000),
        Sign(r"invalid argument 0: Sizes of tensors must match except in dimension 0", FAIR, also=(r"collate",), near=3000),
        Sign(r"activate (?:truncation and/or )?padding with .{0,10}padding=True"),
        ends_in("_utils/collate.py", "default_collate|collate_tensor_fn", code=r"torch\.stack\("),
        Sign(r"equal size, but got \["),
        Sign(r"\] at entry \d+ and \["),
    ),
    fixes=(
        Fix(
            do="Bring all samples to one size in the dataset: resize, crop or pad (for text: truncation=True, padding=True, max_length).",
            code="transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor()])",
        ),
        Fix(
            do="Or pass a collate_fn that pads: torch.nn.utils.rnn.pad_sequence, DataCollatorWithPadding or DataCollatorForSeq2Seq.",
            code="def collate(batch):\n    xs, ys = zip(*batch)\n    return pad_sequence(xs, batch_first=True), torch.stack(ys)",
        ),
        Fix(
            do='If all should be equal already, look for the odd one: a grey or RGBA image among RGB ones (convert("RGB")), a missing '
            "annotation."
        ),
    ),
    refines=("shape-mismatch",),
    explains=("user-error-in-rank",),
    examples=(
        "RuntimeError: stack expects each tensor to be equal size, but got [3, 480, 640] at entry 0 and [3, 427, 640] at entry 1",
        "RuntimeError: each element in list of batch should be of equal size",
        "ValueError: expected sequence of length 88 at dim 1 (got 91)",
        "ValueError: Unable to create tensor, you should probably activate padding with 'padding=True' to have batched tensors with the same "
        "length.",
        '  File "/opt/env/lib/python3.6/site-packages/torch/utils/data/dataloader.py", line 103, in default_collate\n'
        "    return torch.stack(batch, 0, out=out)\n"
        "RuntimeError: inconsistent tensor sizes at /pytorch/torch/lib/TH/generic/THTensorMath.c:2864",
        '  File "/opt/env/lib/python3.10/site-packages/torch/utils/data/_utils/collate.py", line 141, in default_collate\n'
        "    return torch.stack(batch, 0, out=out)\nRuntimeError: Trying to resize storage that is not resizable",
    ),
    counterexamples=("ValueError: all input arrays must have the same shape",),
)

FILES = Cause(
    slug="too-many-open-files",
    title="The limit of open files was reached while tensors were passed between processes",
    why="With the file_descriptor strategy every tensor that a worker hands over keeps a descriptor open. The limit (often 1024) is "
    "reached with many "
    "workers, or when the tensors of many batches are kept.",
    signs=(
        Sign(r"received \d+ items of ancdata"),
        Sign(r"Too many open files\. Communication with the workers is no longer possible"),
        Sign(r"OSError: \[Errno 24\] Too many open files"),
        Sign(r"\[Errno 24\] Too many open files"),
        Sign(r"Too many open files \(24\)"),
        Sign(r"increase the limit using .{0,3}ulimit -n"),
        Sign(r"\(errno: 24 - Too many open files\)"),
        Sign(r"socket: Too many open files"),
        Sign(r"errno:? ?24\b.{0,6}Too many open files"),
        Sign(r"Too many open files \(os error 24\)", FAIR),
        Sign(r"Too many open files in system"),
        Sign(r"unable to open shared memory object </?torch_\w+> in read[-/]write mode", FAIR, unless=(r"No space left",)),
        Sign(r"Too many open files", FAIR, also=(r"torch",)),
        ends_in("multiprocessing/reduction.py", "recvfds|recv_handle"),
        Sign(r"unable to open shared memory object .{0,80}in read[-/]write mode", FAIR, unless=(r"No space left",)),
        Sign(r"items of ancdata"),
        Sign(r"RuntimeError: received 0 items", FAIR),
    ),
    fixes=(
        Fix(
            do="Raise the limit of open file descriptors before the start (in the job script or the service; in docker --ulimit "
            "nofile=65536:65536).",
            commands=("ulimit -n 65536",),
            when="os!=windows",
        ),
        Fix(
            do='Or share tensors through files: torch.multiprocessing.set_sharing_strategy("file_system") at the top of the program (and '
            "in the "
            "workers); raise ulimit -n where possible.",
            code='torch.multiprocessing.set_sharing_strategy("file_system")',
        ),
        Fix(do="Use fewer workers, do not keep the loader's tensors (copy what is stored: x.clone()), and close files the dataset opens."),
    ),
    explains=("peer-rank-died-elsewhere", "dataloader-worker-killed"),
    examples=(
        '  File "/usr/lib/python3.8/multiprocessing/reduction.py", line 164, in recvfds\n    raise RuntimeError(\'received %d items of '
        "ancdata' %\n"
        "RuntimeError: received 0 items of ancdata",
        "OSError: [Errno 24] Too many open files: '/srv/imgs/0041.jpg'",
        "RuntimeError: Too many open files. Communication with the workers is no longer possible. Please increase the limit using "
        "`ulimit -n` in the shell",
        "RuntimeError: unable to open shared memory object </shm_x> in read-write mode",
    ),
    counterexamples=("opened 24 files",),
)

TIMED_OUT = Cause(
    slug="dataloader-timeout",
    title="A DataLoader worker did not deliver its batch within the timeout",
    why="The loader was given timeout=N and no batch came in that time: reading is slower than that, or a worker hangs, for example in a "
    "lock taken "
    "before the fork (OpenCV, HDF5, a logger) or on a network file system.",
    signs=(
        Sign(r"DataLoader timed out after [\d.]+ seconds"),
        Sign(r"DataLoader timed out after"),
    ),
    fixes=(
        Fix(
            do="Find out where it hangs with num_workers=0; slow storage needs a larger timeout, fewer workers or a local copy of the data."
        ),
        Fix(
            do="If the workers hang: open files and database handles in the worker (worker_init_fn), cv2.setNumThreads(0), or "
            'multiprocessing_context="spawn".',
            code='DataLoader(dataset, num_workers=4, multiprocessing_context="spawn")',
        ),
    ),
    explains=("peer-rank-died-elsewhere",),
    examples=(
        "RuntimeError: DataLoader timed out after 60 seconds",
        '  File "/opt/env/lib/python3.9/site-packages/torch/utils/data/dataloader.py", line 1310, in _get_data\n    raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")',
    ),
    counterexamples=("requests.exceptions.ReadTimeout: timed out after 60 seconds",),
)

CAUSES = (SHM, PIN_THREAD, COLLATE, FILES, TIMED_OUT)
