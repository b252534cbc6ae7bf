"""Every way in which a traceback gets wrapped, prefixed, escaped or flattened gives the same failure."""

from __future__ import annotations

import html
import json
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchdoctor.diagnose.log import Event, Log
from torchdoctor.diagnose.read import read, read_text

TRACE = """Traceback (most recent call last):
  File "/home/ana/work/finetune/train_gpt.py", line 211, in <module>
    main(parse_args())
  File "/home/ana/work/finetune/train_gpt.py", line 164, in main
    output = model(batch["input_ids"], labels=batch["labels"])
  File "/home/ana/envs/llm/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1511, in _wrapped_call_impl
    return self._call_impl(*args, **kwargs)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/ana/envs/llm/lib/python3.11/site-packages/torch/nn/modules/sparse.py", line 163, in forward
    return F.embedding(
           ^^^^^^^^^^^^
RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (when checking argument)
"""
FRAMES = [
    ("/home/ana/work/finetune/train_gpt.py", 211, "<module>", "main(parse_args())"),
    ("/home/ana/work/finetune/train_gpt.py", 164, "main", 'output = model(batch["input_ids"], labels=batch["labels"])'),
    (
        "/home/ana/envs/llm/lib/python3.11/site-packages/torch/nn/modules/module.py",
        1511,
        "_wrapped_call_impl",
        "return self._call_impl(*args, **kwargs)",
    ),
    ("/home/ana/envs/llm/lib/python3.11/site-packages/torch/nn/modules/sparse.py", 163, "forward", "return F.embedding("),
]
MESSAGE = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (when checking argument)"


def each_line(prefix: str):
    return lambda text: "".join(f"{prefix}{line}\n" for line in text.splitlines())


def hard_wrapped(width: int):
    return lambda text: "".join(
        f"{line[start : start + width]}\n" for line in text.splitlines() for start in range(0, max(1, len(line)), width)
    )


def coloured(text: str) -> str:
    return "".join(f"\x1b[1;31m{line[:7]}\x1b[0m{line[7:]}\x1b[K\n" for line in text.splitlines())


def json_records(text: str) -> str:
    return json.dumps({"level": "error", "ts": "2025-02-03T04:05:06Z", "msg": "step failed", "exc_info": text.rstrip("\n")}) + "\n"


def json_lines(text: str) -> str:
    return "".join(json.dumps({"log": line + "\n", "stream": "stderr"}) + "\n" for line in text.splitlines())


FORMS = {
    "plain": lambda text: text,
    "rank": each_line("[rank3]: "),
    "torchrun tee": each_line("[default2]:"),
    "rank word": each_line("rank3: "),
    "srun": each_line("3: "),
    "srun padded": each_line(" 3: "),
    "mpirun": each_line("[1,3]<stderr>:"),
    "mpirun 5": each_line("[prterun-node7-4242@1,3]<stderr>: "),
    "horovod": each_line("[3]<stderr>:"),
    "pdsh": each_line("gpu-node-07: "),
    "address": each_line("10.1.2.3: "),
    "ray": each_line("(TrainActor pid=4711, ip=10.0.0.7) "),
    "ray padded": each_line("(pid=4711)\x20"),
    "skypilot": each_line("(worker1, rank=1, pid=5151, ip=10.0.0.9) "),
    "vllm": each_line("(EngineCore_0 pid=812) ERROR 06-07 08:09:10 [core.py:700] "),
    "vllm worker": each_line("(VllmWorkerProcess pid=1) ERROR 01-01 12:00:00 multiproc_worker_utils.py:12] "),
    "glog": each_line("E0203 04:05:06.789000 4242 torch/multiprocessing/api.py:882] "),
    "logger dashes": each_line("2024-05-06 07:08:09,123 - ERROR - my.trainer - "),
    "logger brackets": each_line("[2024-05-06 07:08:09,123] [ERROR] "),
    "logger pipes": each_line("2024-05-06 07:08:09.123 | ERROR | "),
    "compose": each_line("trainer-1  | "),
    "pm2": each_line("0|trainer | "),
    "kubectl prefix": each_line("[pod/train-worker-3/pytorch] "),
    "kubernetes time": each_line("2025-02-03T04:05:06.123456789Z "),
    "cri": each_line("2025-02-03T04:05:06.123456789Z stderr F "),
    "journald": each_line("Nov 22 09:10:11 gpu07 train[4242]: "),
    "quote": each_line("> "),
    "quote twice": each_line("> > "),
    "comment": each_line("# "),
    "indented": each_line("    "),
    "fence": lambda text: f"I get this:\n\n```\n{text}```\n\nAny idea?\n",
    "colours": coloured,
    "colours written": lambda text: "".join(f"\\x1b[31m{line}\\x1b[0m\n" for line in text.splitlines()),
    "colours unicode": lambda text: "".join(f"\\u001b[31m{line}\\u001b[0m\n" for line in text.splitlines()),
    "colours caret": lambda text: "".join(f"^[[31m{line}^[[0m\n" for line in text.splitlines()),
    "colours bare": lambda text: "".join(f"[31m{line}[0m\n" for line in text.splitlines()),
    "hyperlinks": lambda text: text.replace("/home/ana/work", "\x1b]8;;file:///home/ana\x1b\\/home/ana/work\x1b]8;;\x1b\\"),
    "dos": lambda text: text.replace("\n", "\r\n"),
    "old mac": lambda text: text.replace("\n", "\r"),
    "html": lambda text: html.escape(text),
    "html breaks": lambda text: "<pre>" + html.escape(text).replace("\n", "<br>\n") + "</pre>",
    "json record": json_records,
    "json lines": json_lines,
    "repr": lambda text: f"worker failed: {text!r}\n",
    "json cut": lambda text: '{"a": 1, "traceback": ' + json.dumps(text)[:-1] + "\n",
    "wrapped 80": hard_wrapped(80),
    "wrapped 100": hard_wrapped(100),
    "wrapped 61": hard_wrapped(61),
    "one line": lambda text: " ".join(text.split()) + "\n",
    "prose": lambda text: f"Hola, al entrenar me sale esto y no sé qué hacer:\n\n{text}\nAlguien sabe qué hacer? Gracias.\n",
    "german": lambda text: text.replace("File ", "Datei ").replace(", line ", ", Zeile "),
    "french": lambda text: text.replace("File ", "Fichier ").replace(", line ", ", ligne ").replace(", in ", ", dans "),
    "chinese": lambda text: text.replace("File ", "文件 ").replace('", line ', '"，第 ').replace(", in ", " 行，在 "),
    "japanese": lambda text: text.replace("File ", "ファイル ").replace('", line ', '"、行 ').replace(", in ", "、"),
    "turkish": lambda text: "".join(
        line.replace(", in ", ", ") + (" içinde" if ", in " in line else "") + "\n"
        for line in text.replace("File ", "Dosya ").replace(", line ", ", satır ").splitlines()
    ),
}
NEWEST_FIRST = "\n".join(reversed(TRACE.splitlines())) + "\n"


def only_exception(log: Log) -> Event:
    found = [event for stream in log.streams for event in stream.events if event.kind == "exception" and event.frames]
    assert len(found) == 1, [(event.type, event.message, len(event.frames)) for event in found]
    return found[0]


def plain(frames) -> list[tuple[str, int, str, str]]:
    return [(frame.path, frame.line, frame.function, " ".join(frame.code.split())) for frame in frames]


def check(text: str) -> None:
    event = only_exception(read_text(text))
    assert event.type == "RuntimeError"
    assert plain(event.frames) == FRAMES
    assert event.message == MESSAGE


@pytest.mark.parametrize("name", FORMS)
def test_form(name: str) -> None:
    check(FORMS[name](TRACE))


LAYERS = [
    "rank",
    "torchrun tee",
    "ray",
    "kubernetes time",
    "cri",
    "journald",
    "quote",
    "colours",
    "dos",
    "mpirun",
    "kubectl prefix",
    "compose",
    "json lines",
    "srun",
    "pdsh",
    "vllm",
]


@pytest.mark.parametrize("outer", LAYERS)
@pytest.mark.parametrize("inner", LAYERS)
def test_two_layers(inner: str, outer: str) -> None:
    check(FORMS[outer](FORMS[inner](TRACE)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["rank", "ray", "kubernetes time", "quote", "colours", "dos", "cri", "json lines"]), max_size=4))
def test_any_layers(names: list[str]) -> None:
    text = TRACE
    for name in names:
        text = FORMS[name](text)
    check(text)


@pytest.mark.parametrize("layer", ["rank", "quote", "kubernetes time", "ray"])
def test_wrapped_inside_and_outside_of_a_prefix(layer: str) -> None:
    check(FORMS[layer](hard_wrapped(80)(TRACE)))
    check(hard_wrapped(80)(FORMS[layer](TRACE)))


def test_newest_line_first() -> None:
    event = only_exception(read_text(NEWEST_FIRST))
    assert plain(event.frames) == FRAMES
    assert event.message == MESSAGE


def test_words_wrapped() -> None:
    """Wrapped at words, as a mail program does: the message is whole, and the frames are found."""
    text = "".join(f"{part}\n" for line in TRACE.splitlines() for part in textwrap.wrap(line, 80, break_long_words=False) or [""])
    event = only_exception(read_text(text))
    assert event.message == MESSAGE


@pytest.mark.parametrize(
    ("text", "rank", "host"),
    [
        ("[rank3]: Traceback (most recent call last):\n", 3, None),
        ("[default12]:loss 2.1\n", 12, None),
        ("[1,7]<stdout>:loss 2.1\n", 7, None),
        ("[1,mpirank:5,algo-2]<stdout>:loss 2.1\n", 5, "algo-2"),
        ("(TrainActor pid=4711, ip=10.0.0.7) loss 2.1\n", None, "10.0.0.7"),
        ("(worker1, rank=1, pid=5151, ip=10.0.0.9) loss 2.1\n", 1, "10.0.0.9"),
        ("[pod/train-worker-3/pytorch] loss 2.1\n", None, "train-worker-3"),
        ("Nov 22 09:10:11 gpu07 train[4242]: loss 2.1\n", None, "gpu07"),
    ],
)
def test_prefix_tells(text: str, rank: int | None, host: str | None) -> None:
    line = read_text(text).streams[0].lines[0]
    assert (line.rank, line.host) == (rank, host)


@pytest.mark.parametrize(
    "text", ["2025-02-03T04:05:06Z loss", "2025-02-03 04:05:06,789 - INFO - loss", "E0203 04:05:06.789000 12 a.py:3] loss"]
)
def test_time_is_kept(text: str) -> None:
    assert "04:05:06" in (read_text(text).streams[0].lines[0].time or "")


HINDI = (
    TRACE.replace("Traceback (most recent call last):", "Traceback (सबसे हालिया कॉल अंतिम):")
    .replace("File ", "फ़ाइल ")
    .replace(", line ", ", लाइन ")
)
HINDI = "".join(
    (line.replace(", in ", ", ") + " में" if "फ़ाइल" in line else line) + "\n" for line in HINDI.splitlines() if set(line.strip()) != {"^"}
)
DOCUMENT = (
    "मैं अपना मॉडल चला रहा हूँ, और यह लॉग मिला। कृपया बताएं कि क्या गलत है:\n\n"
    + HINDI.replace("Expected all tensors to be on the same device", "सभी टेंसर एक डिवाइस पर नहीं हैं")
    + "\nऔर दूसरी मशीन पर: "
    + " ".join(TRACE.replace(", in <module>", ", in").split())
    + " ``` इसे कैसे ठीक करें? धन्यवाद, और यहाँ बाकी का पाठ है।\n"
)


def by_words(width: int):
    return lambda text: "".join(
        f"{part}\n"
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    )


@pytest.mark.parametrize("change", [str, hard_wrapped(80), hard_wrapped(100), by_words(80), by_words(100), coloured, each_line("> ")])
def test_a_translated_document_with_two_tracebacks(change) -> None:
    """One with its lines, one flattened into a line that lost ``<module>``; the message is translated in part."""
    found = [event for stream in read_text(change(DOCUMENT)).streams for event in stream.events if event.frames]
    assert [event.type for event in found] == ["RuntimeError", "RuntimeError"]
    for event in found:
        assert [(path, line, name) for path, line, name, _ in plain(event.frames)] == [(path, line, name) for path, line, name, _ in FRAMES]
        assert "cuda:0 and cpu" in event.message


def test_bytes_wrapped_inside_a_character() -> None:
    data = DOCUMENT.encode()
    wrapped = b"\n".join(line[start : start + 80] for line in data.split(b"\n") for start in range(0, max(1, len(line)), 80))
    found = [event for stream in read([], wrapped).streams for event in stream.events if event.frames]
    assert [len(event.frames) for event in found] == [4, 4]


def test_a_command_that_is_the_longest_line_is_not_wrapped() -> None:
    screen = "$ nvidia-smi --query-gpu=index,gpu_recovery_action --format=csv,noheader\n0, None\n1, Reset\n2, None\n"
    assert [line.text for line in read_text(screen).streams[0].lines if line.text] == screen.splitlines()


@pytest.mark.parametrize("key", ["exc", "err", "stack_info", "reason"])
def test_a_record_names_its_traceback_as_it_likes(key: str) -> None:
    traceback = 'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in load\n    go()\nOSError: libfoo.so.1: cannot open shared object file'
    (event,) = read_text(json.dumps({"level": "error", key: traceback}) + "\n").streams[0].events
    assert (event.type, event.frames[0].line) == ("OSError", 3)
