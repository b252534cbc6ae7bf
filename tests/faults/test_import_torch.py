"""``import torch`` itself misbehaves: the run survives, says what happened, and never calls it "not installed"."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import Done, torchdoctor

TORCHES = {
    "library": "raise ImportError('libcudnn.so.9: cannot open shared object file: No such file or directory')",
    "symbol": "raise ImportError('/opt/env/lib/python3.11/site-packages/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommWindowRegister')",
    "abort": "import os; os.abort()",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "hang": "import time\nwhile True: time.sleep(3600)",
    "hang-gil": "import ctypes; ctypes.PyDLL(None).pause()",
    "exit": "import os; os._exit(0)",
    "sys-exit": "import sys; sys.exit(0)",
    "kill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "flood": "import os\nwhile True: os.write(1, b'y' * 65536)",
    "closed": "import os; os.close(1); os.close(2); raise ImportError('after closing')",
}
WORDS = {
    "library": "libcudnn.so.9",
    "symbol": "undefined symbol",
    "abort": "SIGABRT",
    "segfault": "SIGSEGV",
    "hang": "no answer within its 4 s",
    "hang-gil": "no answer within its 4 s",
    "exit": "exit code 0",
    "sys-exit": "SystemExit",
    "kill": "SIGKILL",
    "flood": "no answer within its 4 s",
    "closed": "after closing",
}
CAUSES = {"library": "libcudnn-missing", "symbol": "nccl-lib-mismatch"}


def examine(tmp_path: Path, source: str) -> Done:
    """A run with a fake torch first on the path, found as an installed one would be."""
    package = tmp_path / "site-packages" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    (package / "version.py").write_text("__version__ = '2.9.1'\n")
    (package / "_C.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    (tmp_path / "pyproject.toml").write_text("[tool.torchdoctor.deadlines]\ntorch-import = 4\n")
    return torchdoctor("run", "--format", "json", cwd=tmp_path, PYTHONPATH=str(package.parent))


@pytest.mark.parametrize("kind", TORCHES)
def test_the_real_error_is_told(tmp_path: Path, kind: str) -> None:
    done = examine(tmp_path, TORCHES[kind])
    result = done.result("torch-import")
    assert done.code == 1
    assert result["status"] == "fail"
    assert WORDS[kind] in result["summary"]
    assert "not installed" not in done.out
    assert result["findings"][0]["cause"] == CAUSES.get(kind, result["findings"][0]["cause"])
    others = {r["check"]: r["status"] for r in done.json()["results"]}
    assert others["operating-system"] == "pass"
    assert others["python-environment"] == "pass"


def test_a_torch_py_in_the_way_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("x = 1\n")
    result = torchdoctor("run", "--format", "json", cwd=tmp_path).result("torch-import")
    assert result["status"] == "fail"
    assert result["findings"][0]["cause"] == "shadowed-module"
    assert "torch.py" in result["findings"][0]["fixes"][0]["commands"][0]


def test_no_torch_at_all(tmp_path: Path) -> None:
    import sys
    import venv

    venv.create(tmp_path / "bare", with_pip=False)
    done = torchdoctor("run", "--format", "json", "--python", str(tmp_path / "bare"), cwd=tmp_path)
    result = done.result("torch-import")
    assert (done.code, result["status"]) == (1, "fail")
    assert "not installed" in result["summary"]
    assert result["findings"][0]["cause"] == "torch-not-installed-wrong-interpreter"
    assert done.json()["patient"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert done.json()["patient"]["torch"] is None
