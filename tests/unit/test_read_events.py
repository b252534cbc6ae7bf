"""Which failures are seen in a text, and what is told of them."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.log import Event, Stream
from torchdoctor.diagnose.read import read_text


def stream_of(text: str) -> Stream:
    streams = read_text(text).streams
    assert len(streams) == 1
    return streams[0]


def events(text: str) -> list[Event]:
    return [event for stream in read_text(text).streams for event in stream.events]


def told(text: str) -> list[tuple[str, str, int]]:
    return [(event.type, event.message, event.chain) for event in events(text)]


FRAME = '  File "/srv/job/fit.py", line 7, in run\n    step()\n'
HEAD = "Traceback (most recent call last):\n"


def test_during_handling_counts_from_the_original() -> None:
    text = f"{HEAD}{FRAME}KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n{HEAD}{FRAME}ValueError: no a\n"
    assert told(text) == [("KeyError", "'a'", 0), ("ValueError", "no a", 1)]


def test_direct_cause_of_three() -> None:
    link = "\nThe above exception was the direct cause of the following exception:\n\n"
    text = f"{HEAD}{FRAME}OSError: 1\n{link}{HEAD}{FRAME}ValueError: 2\n{link}{HEAD}{FRAME}RuntimeError: 3\n"
    assert [chain for *_, chain in told(text)] == [0, 1, 2]


def test_two_tracebacks_without_a_link_are_two_chains() -> None:
    assert [chain for *_, chain in told(f"{HEAD}{FRAME}OSError: 1\n{HEAD}{FRAME}ValueError: 2\n")] == [0, 0]


def test_dataloader_worker_holds_the_original_inside() -> None:
    text = (
        f"{HEAD}{FRAME}RuntimeError: Caught RuntimeError in DataLoader worker process 2.\nOriginal {HEAD}{FRAME}"
        "RuntimeError: stack expects each tensor to be equal size\n"
    )
    assert told(text) == [
        ("RuntimeError", "Caught RuntimeError in DataLoader worker process 2.", 1),
        ("RuntimeError", "stack expects each tensor to be equal size", 0),
    ]


def test_spawned_process_tells_its_rank() -> None:
    text = (
        f"{HEAD}{FRAME}torch.multiprocessing.spawn.ProcessRaisedException: \n\n-- Process 3 terminated with the following error:\n"
        f"{HEAD}{FRAME}ValueError: bad\n"
    )
    outer, inner = events(text)
    assert (outer.type, outer.chain, outer.via) == ("torch.multiprocessing.spawn.ProcessRaisedException", 1, "worker")
    assert (inner.type, inner.message, inner.chain, inner.rank) == ("ValueError", "bad", 0, 3)


def test_ray_task_error() -> None:
    text = (
        f"{HEAD}{FRAME}ray.exceptions.RayTaskError(ValueError): ray::Actor.run() (pid=12, ip=10.0.0.2)\n"
        f'  File "/srv/job/actor.py", line 3, in go\n    self.x()\nValueError: inner\n'
    )
    outer, inner = events(text)
    assert (outer.type, outer.chain) == ("ray.exceptions.RayTaskError(ValueError)", 1)
    assert (inner.type, inner.message, inner.chain) == ("ValueError", "inner", 0)


def test_remote_traceback_of_a_pool() -> None:
    text = (
        f'multiprocessing.pool.RemoteTraceback: \n"""\n{HEAD}{FRAME}KeyError: 5\n"""\n\n'
        f"The above exception was the direct cause of the following exception:\n\n{HEAD}{FRAME}KeyError: 5\n"
    )
    found = events(text)
    assert [event.type for event in found] == ["multiprocessing.pool.RemoteTraceback", "KeyError", "KeyError"]
    assert found[1].chain < found[2].chain


def test_exception_group() -> None:
    text = (
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "/srv/job/fit.py", line 4, in <module>\n  |     go()\n'
        "  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)\n"
        "  +-+---------------- 1 ----------------\n"
        '    | Traceback (most recent call last):\n    |   File "/srv/job/fit.py", line 9, in a\n    |     one()\n    | ValueError: one\n'
        "    +---------------- 2 ----------------\n"
        '    | Traceback (most recent call last):\n    |   File "/srv/job/fit.py", line 12, in b\n    |     two()\n    | OSError: two\n'
        "    +------------------------------------\n"
    )
    found = events(text)
    assert [(event.type, event.message) for event in found] == [
        ("ExceptionGroup", "unhandled errors in a TaskGroup (2 sub-exceptions)"),
        ("ValueError", "one"),
        ("OSError", "two"),
    ]
    assert found[0].chain > found[1].chain
    assert [event.frames[0].line for event in found] == [4, 9, 12]


def test_message_of_several_lines_ends_where_the_program_goes_on() -> None:
    text = (
        f"{HEAD}{FRAME}RuntimeError: CUDA error: device-side assert triggered\n"
        "CUDA kernel errors might be asynchronously reported at some other API call.\n"
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1.\n"
        "[2024-01-01 00:00:00,000] [INFO] cleaning up\n"
    )
    (event,) = events(text)
    assert event.message.startswith("CUDA error: device-side assert triggered CUDA kernel errors might be")
    assert event.message.endswith("CUDA_LAUNCH_BLOCKING=1.")


def test_native_frames_belong_to_the_message_but_are_not_told() -> None:
    text = (
        f"{HEAD}{FRAME}RuntimeError: CUDA error: an illegal memory access was encountered\n"
        "Exception raised from c10_cuda_check_implementation at ../c10/cuda/CUDAException.cpp:44 (most recent call first):\n"
        "frame #0: c10::Error::Error(c10::SourceLocation, std::string) + 0x57 (0x7f in /x/libc10.so)\n"
        "frame #1: c10::detail::torchCheckFail(char const*) + 0x64 (0x7f in /x/libc10.so)\n"
        "done\n"
    )
    (event,) = events(text)
    assert event.message == "CUDA error: an illegal memory access was encountered"
    assert stream_of(text).lines[event.last].text.startswith("frame #1")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("RuntimeError: CUDA error: out of memory\n", "RuntimeError", "CUDA error: out of memory"),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory.\n", "torch.cuda.OutOfMemoryError", "CUDA out of memory."),
        ("torch.OutOfMemoryError: CUDA out of memory.\n", "torch.OutOfMemoryError", "CUDA out of memory."),
        ("_queue.Empty\n", "_queue.Empty", ""),
        ("KeyboardInterrupt\n", "KeyboardInterrupt", ""),
        ("E   AssertionError: assert 3 == 4\n", "AssertionError", "assert 3 == 4"),
        ("I get `ValueError: not enough values`\n", "ValueError", "not enough values`"),
    ],
)
def test_bare_last_line(text: str, name: str, message: str) -> None:
    (event,) = events(text)
    assert (event.kind, event.type, event.message) == ("exception", name, message)


@pytest.mark.parametrize(
    ("line", "kind", "exit_code"),
    [
        ("Segmentation fault (core dumped)", "signal", -11),
        ("./run.sh: line 3:  4242 Killed                  python fit.py", "signal", -9),
        ("Killed", "signal", -9),
        ("Bus error (core dumped)", "signal", -7),
        ("Aborted (core dumped)", "signal", -6),
        ("zsh: illegal hardware instruction Illegal instruction: 4", "signal", -4),
        (
            "ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: -9) local_rank: 2 (pid: 77) of binary: /x/python",
            "exit",
            -9,
        ),
        ("  exitcode  : -11 (pid: 4242)", "exit", -11),
        ("[2024-01-01 00:00:00,000] [ERROR] [launch.py:321:sigkill_handler] ['python', 'fit.py'] exits with return code = -7", "exit", -7),
        ("  traceback : Signal 9 (SIGKILL) received by PID 4242", "signal", -9),
        ("srun: error: node07: task 3: Exited with exit code 1", "exit", 1),
        ("srun: error: node07: task 3: Out Of Memory", "exit", None),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of the step tasks have been OOM Killed.", "exit", None),
        ("mpirun noticed that process rank 2 with PID 99 on node n1 exited on signal 9 (Killed).", "exit", 9),
        ("Process finished with exit code -1073741819 (0xC0000005)", "exit", -1073741819),
        ("command terminated with exit code 137", "exit", 137),
        ("Fatal Python error: Bus error", "fatal", None),
        ("terminate called after throwing an instance of 'c10::Error'", "fatal", None),
        ("[12345.678] NVRM: Xid (PCI:0000:3b:00): 79, pid=4242, GPU has fallen off the bus.", "kernel", None),
        ("Out of memory: Killed process 4242 (python) total-vm:1kB", "kernel", None),
        ("ERROR: No matching distribution found for torch==9.9.9", "error", None),
        ("nvcc fatal   : Unsupported gpu architecture 'compute_120'", "error", None),
        ("/x/y.cpp:12:10: fatal error: cuda_runtime.h: No such file or directory", "error", None),
        ("FAILED: build/kernel.o", "error", None),
        ("ninja: build stopped: subcommand failed.", "error", None),
        ("fit.py: error: unrecognized arguments: --local-rank=0", "error", None),
        ("gpu7:12:34 [0] misc/shm.cc:28 NCCL WARN Call to posix_fallocate failed : No space left on device", "error", None),
        ("Failed to initialize NVML: Driver/library version mismatch", "error", None),
        ("2024-01-01 12:00:00,123 - ERROR - mod - connection to the store failed", "error", None),
        ("bash: nvcc: command not found", "error", None),
        ("docker: Error response from daemon: could not select device driver", "error", None),
    ],
)
def test_other_failures(line: str, kind: str, exit_code: int | None) -> None:
    found = events(f"epoch 1 done\n{line}\n")
    assert [(event.kind, event.exit_code) for event in found] == [(kind, exit_code)]


def test_table_of_torchrun_gives_an_event_a_rank() -> None:
    entries = "".join(
        f"[{index}]:\n  time      : 2024-01-02_03:04:0{index}\n  host      : n{index}\n  rank      : {rank} (local_rank: {rank})\n"
        f"  exitcode  : {code} (pid: 4{rank})\n  error_file: <N/A>\n  traceback : To enable traceback see: https://pytorch.org\n"
        for index, (rank, code) in enumerate([(3, -9), (5, 1)])
    )
    text = (
        f"{HEAD}{FRAME}torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n{'=' * 60}\nfit.py FAILED\n{'-' * 60}\n"
        f"Failures:\n{entries}{'=' * 60}\n"
    )
    found = [event for event in events(text) if event.kind == "exit"]
    assert [(event.rank, event.exit_code, event.via) for event in found] == [(3, -9, "summary"), (5, 1, "summary")]


def test_faulthandler_dump() -> None:
    text = (
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f2ab17fa640 (most recent call first):\n"
        '  File "/srv/torch/_ops.py", line 755 in __call__\n  File "/srv/job/fit.py", line 7 in <module>\n\n'
        'Thread 0x00007f2ab27fb640 (most recent call first):\n  File "/usr/lib/python3.11/threading.py", line 331 in wait\n'
        "Segmentation fault (core dumped)\n"
    )
    fatal, signal = events(text)
    assert (fatal.kind, fatal.type) == ("fatal", "Segmentation fault")
    assert [frame.line for frame in fatal.frames] == [7, 755]
    assert signal.kind == "signal"


def test_what_of_a_native_exception() -> None:
    (event,) = events("terminate called after throwing an instance of 'c10::Error'\n  what():  CUDA error: unknown error\n")
    assert event.type == "c10::Error"
    assert event.message.endswith("what(): CUDA error: unknown error")


IPYTHON = """---------------------------------------------------------------------------
RuntimeError                              Traceback (most recent call last)
<ipython-input-9-0123456789ab> in <cell line: 3>()
      1 x = batch.to("cuda")
      2
----> 3 y = net(x)

1 frames
/usr/local/lib/python3.10/dist-packages/torch/nn/modules/module.py in _call_impl(self, *args, **kwargs)
   1500                 or _global_forward_hooks):
-> 1501             return forward_call(*args, **kwargs)
   1502         # Do not call functions

RuntimeError: mat1 and mat2 shapes cannot be multiplied
"""
NEW_IPYTHON = """Cell In[9], line 3
      1 x = batch.to("cuda")
----> 3 y = net(x)

File ~/env/lib/python3.10/site-packages/torch/nn/modules/module.py:1501, in Module._call_impl(self, *args, **kwargs)
   1500     or _global_forward_hooks):
-> 1501     return forward_call(*args, **kwargs)

RuntimeError: mat1 and mat2 shapes cannot be multiplied
"""


@pytest.mark.parametrize("text", [IPYTHON, NEW_IPYTHON], ids=["old", "new"])
def test_notebook(text: str) -> None:
    (event,) = events(text)
    assert (event.type, event.message) == ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied")
    assert [(frame.line, frame.code) for frame in event.frames] == [(3, "y = net(x)"), (1501, "return forward_call(*args, **kwargs)")]


def test_links_of_a_notebook_in_an_editor() -> None:
    text = NEW_IPYTHON.replace("File ~/env", "File [~/env").replace(
        "py:1501,", "py:1501](http://localhost:8888/home/x/module.py#line=1500),"
    )
    assert [frame.line for frame in events(text)[0].frames] == [3, 1501]


RICH = """╭─────────────────────────── Traceback (most recent call last) ───────────────────────────╮
│ /srv/job/fit.py:7 in <module>                                                           │
│                                                                                         │
│    5 import net                                                                         │
│    6                                                                                    │
│ ❱  7 net.run()                                                                          │
│                                                                                         │
│ /srv/job/a/rather/long/folder/name/that/makes/the/box/break/the/heading/of/the/frame/   │
│ net.py:40 in run                                                                        │
│                                                                                         │
│   38 def run():                                                                         │
│   39 │   if True:                                                                       │
│ ❱ 40 │   │   raise ValueError("no data")                                                │
│   41                                                                                    │
╰─────────────────────────────────────────────────────────────────────────────────────────╯
ValueError: no data
"""


@pytest.mark.parametrize("prefix", ["", "[rank2]: ", "> ", "2025-02-03T04:05:06Z "])
def test_rich_box(prefix: str) -> None:
    (event,) = events("".join(f"{prefix}{line}\n" for line in RICH.splitlines()))
    assert (event.type, event.message) == ("ValueError", "no data")
    assert [(frame.path.rsplit("/", 1)[-1], frame.line, frame.function, frame.code) for frame in event.frames] == [
        ("fit.py", 7, "<module>", "net.run()"),
        ("net.py", 40, "run", 'raise ValueError("no data")'),
    ]


def test_pytest_report() -> None:
    text = (
        "    def test_fit():\n>       run()\n\ntests/test_fit.py:12: \n_ _ _ _ _ _ _ _ _\nsrc/job.py:44: in run\n    step()\n"
        "E       RuntimeError: CUDA error: invalid device ordinal\n\nsrc/step.py:9: RuntimeError\n"
    )
    assert ("RuntimeError", "CUDA error: invalid device ordinal") in [(event.type, event.message) for event in events(text)]


HEALTHY = """[2025-02-03 04:05:06,789] [INFO] world_size=8 backend=nccl cuda=12.4
Epoch 3: 100%|##########| 500/500 [01:02<00:00, 8.05it/s, loss=1.93, error_rate=0.021]
validation error: 0.1234, nan_count=0, 0 errors, 0 failed
W0203 04:05:06.789000 4242 torch/distributed/run.py:793] Setting OMP_NUM_THREADS environment variable for each process to be 1
/srv/env/lib/python3.11/site-packages/torch/optim/lr_scheduler.py:62: UserWarning: The verbose parameter is deprecated.
  warnings.warn(
gpu7:12:34 [0] NCCL INFO Channel 00/02 : 0 1
INFO: error handling test passed, no failures
WARNING: retrying after ConnectionResetError: peer closed
killed time: 0 s, exit code 0
Process finished with exit code 0
checkpoint saved to out/errors/last.pt
"""


def test_a_healthy_log_has_no_events() -> None:
    assert told(HEALTHY) == []


def test_interleaved_ranks_are_separated() -> None:
    one = [f"[rank0]: {line}" for line in f"{HEAD}{FRAME}ValueError: zero".splitlines()]
    two = [f"[rank1]: {line}" for line in f"{HEAD}{FRAME}ValueError: one".splitlines()]
    text = "\n".join(line for pair in zip(one, two) for line in pair) + "\nlauncher: done\n"
    log = read_text(text)
    assert [(stream.rank, [event.message for event in stream.events]) for stream in log.streams] == [
        (None, []),
        (0, ["zero"]),
        (1, ["one"]),
    ]
    assert [line.number for line in log.streams[2].lines] == [2, 4, 6, 8]


def test_a_line_into_which_two_ranks_wrote() -> None:
    log = read_text("[rank0]: ValueError: zero[rank1]: ValueError: one\n")
    assert [(stream.rank, [event.message for event in stream.events]) for stream in log.streams if stream.rank is not None] == [
        (0, ["zero"]),
        (1, ["one"]),
    ]


def test_native_message_goes_on_without_the_prefix() -> None:
    text = (
        "[rank4]: ValueError: x\n"
        "[rank5]:[E203 04:05:06.7 ProcessGroupNCCL.cpp:1895] [PG ID 0 Rank 5] watchdog thread terminated with exception: NCCL error\n"
        "ncclRemoteError: A call failed possibly due to a network error.\nLast error:\nsocketProgress: Connection closed\n"
    )
    log = read_text(text)
    assert "ncclRemoteError" in next(stream.text for stream in log.streams if stream.rank == 5)


def test_quote_names_the_rank_of_the_line() -> None:
    stream = stream_of("torchrun: starting\n[rank6]: ValueError: x\n")
    assert (stream.quote(0).rank, stream.quote(1).rank) == (None, 6)


@pytest.mark.parametrize(
    "line",
    [
        "train: 10 | val: 20 | lr: 3e-4",
        "3: the third point of this list",
        "host: gpu07",
        "> see the quote above",
        "E    = 3.1 eV",
        "[1]: first footnote",
        "(pid 12 was started)",
        "x = [m for m in models]",
        'print("\\033[31mred")',
        "a &amp; b are entities in this text",
        "elapsed [10m 3s]",
        "1|2|3",
        "rank 3 is the slowest",
        "the File was saved",
        "see C:\\new\\table",
        "│ box │",
        "{'loss': 1.5, 'epoch': 2.0}",
        '{"loss": 1.5, "epoch": 2.0}',
        "GET /a%20b HTTP/1.1",
        "------------------------------",
    ],
)
def test_an_ordinary_line_survives(line: str) -> None:
    (found,) = [row.text for stream in read_text(f"{line}\n").streams for row in stream.lines if row.text]
    assert found == line


def test_progress_bars_leave_their_last_state_and_what_is_no_bar() -> None:
    text = "10%|#    | 1/10\r20%|##   | 2/10\rValueError: early\r30%|###  | 3/10\n"
    assert [line.text for line in stream_of(text).lines if line.text] == ["ValueError: early", "30%|###  | 3/10"]
