"""A document in another language with two machine-translated tracebacks, in every dress that it may be pasted in.

The first traceback has the layout of one, with its words translated; the second stands on one line of prose.
Both root causes have to be found, with a fix written for the person's own line, whatever wraps, frames or escapes the text.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from tests.diagnosing import answer_to
from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read
from torchdoctor.model import Answer, Diagnosis

DOCUMENT = (Path(__file__).parent / "seed_document.txt").read_text(encoding="utf-8")
SEED = Path(os.environ.get("TORCHDOCTOR_SEED") or Path(__file__).parents[3] / "shared" / "seed")
ORIGINALS = sorted(SEED.glob("*.txt")) if SEED.is_dir() else [SEED] if SEED.is_file() else []
WIDTH = 80

_FRAME = re.compile(r'फ़ाइल ("[^"\n]+"), लाइन (\d+), (\S+) में')
GERMAN = (
    ("(सबसे हालिया कॉल अंतिम)", "(letzter Aufruf zuletzt)"),
    ("में NCCL अंतर्निहित नहीं है", "hat kein eingebautes NCCL"),
    ("विफल (exitcode", "fehlgeschlagen (exitcode"),
    ("बाइनरी का:", "der Binärdatei:"),
    (
        "सभी टेंसर एक ही डिवाइस पर होने चाहिए थे, पर कम से कम दो डिवाइस मिले, cuda:0 और cpu!",
        "Alle Tensoren sollten auf einem Gerät sein, gefunden: cuda:0 und cpu!",
    ),
    (
        "(तर्क index की जाँच करते समय, method wrapper_CUDA__index_select में)",
        "(beim Prüfen des Arguments index, method wrapper_CUDA__index_select)",
    ),
)
CHINESE = (
    ("(सबसे हालिया कॉल अंतिम)", "(最近的调用在最后)"),
    ("में NCCL अंतर्निहित नहीं है", "没有内置 NCCL"),
    ("विफल (exitcode", "失败 (exitcode"),
    ("बाइनरी का:", "二进制文件:"),
    (
        "सभी टेंसर एक ही डिवाइस पर होने चाहिए थे, पर कम से कम दो डिवाइस मिले, cuda:0 और cpu!",
        "所有张量应位于同一设备上,但发现至少两个设备:cuda:0 和 cpu!",
    ),
    ("(तर्क index की जाँच करते समय, method wrapper_CUDA__index_select में)", "(检查参数 index 时,method wrapper_CUDA__index_select)"),
)


def translated(words: tuple[tuple[str, str], ...], frame: str) -> str:
    """The tracebacks once more translated; the prose around them stays out, as it would be in another language as well."""
    text = _FRAME.sub(frame, DOCUMENT)
    for hindi, other in words:
        assert hindi in text
        text = text.replace(hindi, other)
    return re.sub(r"[\u0900-\u097f]+", "…", text)


def wrapped(text: str) -> str:
    return "\n".join(line[at : at + WIDTH] for line in text.splitlines() for at in range(0, max(1, len(line)), WIDTH))


def at_spaces(text: str) -> str:
    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH, drop_whitespace=False) or [""])


def boxed(text: str) -> str:
    lines = [line[at : at + WIDTH] for line in text.splitlines() for at in range(0, max(1, len(line)), WIDTH)]
    return "\n".join(["╭" + "─" * (WIDTH + 2) + "╮", *(f"│ {line.ljust(WIDTH)} │" for line in lines), "╰" + "─" * (WIDTH + 2) + "╯"])


def panelled(text: str) -> str:
    """As rich prints it in a panel: broken between words."""
    console = Console(width=WIDTH + 20, file=io.StringIO(), color_system=None)
    with console.capture() as printed:
        console.print(Panel(Text(text), title="story"))
    return printed.get()


def coloured(text: str) -> str:
    text = re.sub(r'"(/[^"\n]+)"', '\x1b[32m"\\1"\x1b[39m', text)
    return re.sub(r"(\w*Error)", "\x1b[1;31m\\1\x1b[0m", text)


FORMS: dict[str, Callable[[], str]] = {
    "as it is": lambda: DOCUMENT,
    "wrapped at 80 columns": lambda: wrapped(DOCUMENT),
    "wrapped at spaces": lambda: at_spaces(DOCUMENT),
    "in a box": lambda: boxed(DOCUMENT),
    "in a panel of rich": lambda: panelled(DOCUMENT),
    "in colours": lambda: coloured(DOCUMENT),
    "quoted": lambda: "".join(f"> {line}\n" for line in DOCUMENT.splitlines()),
    "quoted twice": lambda: "".join(f"> > {line}\n" for line in DOCUMENT.splitlines()),
    "in JSON": lambda: json.dumps({"time": "2025-02-03T04:05:06Z", "level": "error", "message": DOCUMENT}, ensure_ascii=False) + "\n",
    "in ASCII JSON": lambda: json.dumps({"level": "error", "message": DOCUMENT}) + "\n",
    "in HTML": lambda: html.escape(DOCUMENT),
    "with Windows line ends": lambda: DOCUMENT.replace("\n", "\r\n"),
    "in German": lambda: translated(GERMAN, r"Datei \1, Zeile \2, in \3"),
    "in Chinese": lambda: translated(CHINESE, r"文件 \1,第 \2 行,在 \3 中"),
}


def both(answer: Answer) -> tuple[Diagnosis, Diagnosis]:
    """The two diagnoses of such a document; nothing else may be claimed of it."""
    found = {one.cause: one for one in answer.diagnoses}
    assert set(found) == {"nccl-not-built", "input-not-on-model-device"}
    return found["nccl-not-built"], found["input-not-on-model-device"]


@pytest.mark.parametrize("form", FORMS)
def test_both_root_causes_are_found_and_mended(form: str) -> None:
    backend, device = both(answer_to(FORMS[form]()))
    assert "gloo" in backend.fixes[0].do and "macOS" in backend.fixes[0].do
    code = backend.fixes[0].code or ""
    assert '- torch.distributed.init_process_group("nccl")' in code and '+ torch.distributed.init_process_group("gloo")' in code
    code = device.fixes[0].code or ""
    assert 0 <= code.find("input_ids = input_ids.to(model.device)") < code.find("model.generate("), code


@pytest.mark.parametrize(
    "form", ["as it is", "wrapped at 80 columns", "in a box", "in colours", "quoted", "in HTML", "in German", "in Chinese"]
)
def test_the_fix_names_the_file_and_the_line_of_the_person(form: str) -> None:
    backend, device = both(answer_to(FORMS[form]()))
    assert (backend.fixes[0].code or "").startswith("# writer.py, line 78\n")
    assert (device.fixes[0].code or "").startswith("# chat.py, line 29\n")


@pytest.mark.parametrize("form", ["as it is", "in a box", "in colours", "quoted"])
def test_the_decisive_lines_are_shown(form: str) -> None:
    backend, device = both(answer_to(FORMS[form]()))
    assert any("NCCL" in quote.text for quote in backend.evidence)
    assert any("wrapper_CUDA__index_select" in quote.text for quote in device.evidence)


@pytest.mark.skipif(not ORIGINALS, reason="no original: set TORCHDOCTOR_SEED to the document or its folder")
def test_the_original_document() -> None:
    for path in ORIGINALS:
        log = read([str(path)])
        backend, device = both(diagnose(log, *gather(log, None, local=False)))
        assert "gloo" in (backend.fixes[0].code or "")
        assert "input_ids = input_ids.to(model.device)" in (device.fixes[0].code or "")


@pytest.mark.skipif(not ORIGINALS, reason="no original: set TORCHDOCTOR_SEED to the document or its folder")
@pytest.mark.parametrize("form", [wrapped, boxed, coloured], ids=["wrapped", "boxed", "coloured"])
def test_the_original_document_in_other_dress(form: Callable[[str], str]) -> None:
    for path in ORIGINALS:
        both(answer_to(form(path.read_text(encoding="utf-8"))))
