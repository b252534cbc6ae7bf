"""What a text tells of its machine, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.situation import Situation
from torchdoctor.diagnose.textfacts import facts_of


def facts(text: str) -> Situation:
    return facts_of(read_text(text))


def frame(path: str) -> str:
    return f'Traceback (most recent call last):\n  File "{path}", line 3, in f\n    g()\nValueError: x\n'


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        (frame("/home/eva/fit.py"), "os", "linux"),
        (frame("/Users/eva/fit.py"), "os", "macos"),
        (frame(r"D:\work\fit.py"), "os", "windows"),
        (frame("C:/Users/eva/fit.py"), "os", "windows"),
        (frame("/opt/conda/lib/python3.11/site-packages/torch/nn/functional.py"), "os", "linux"),
        (frame("/Users/eva/fit.py").replace("ValueError: x", "RuntimeError: manylinux wheel"), "os", "macos"),
        (frame("/Users/eva/fit.py") + frame("/home/eva/fit.py"), "os", None),
        ("RuntimeError: MPS backend out of memory\n", "os", "macos"),
        ("OSError: [WinError 126] The specified module could not be found\n", "os", "windows"),
        ("gpu7:1:2 [0] NCCL INFO cudaDriverVersion 12040\n", "os", "linux"),
        ("ValueError: x\n", "os", None),
        (frame("/mnt/c/Users/eva/fit.py"), "wsl", True),
        (frame("/home/eva/fit.py"), "wsl", None),
        (frame("/home/eva/miniconda3/envs/a/lib/python3.10/site-packages/x.py"), "python", "3.10"),
        (frame(r"C:\Users\eva\AppData\Local\Programs\Python\Python312\Lib\x.py"), "python", "3.12"),
        (frame("/home/eva/.pyenv/versions/3.9.18/lib/python3.9/x.py"), "python", "3.9.18"),
        ("Python version: 3.11.7 (main, Jan  1 2024)\n", "python", "3.11.7"),
        ("PyTorch version: 2.4.1+cu121\n", "torch", "2.4.1+cu121"),
        (">>> torch.__version__\n'2.2.0+cpu'\n", "torch", "2.2.0+cpu"),
        ("pkg_resources: load_entry_point('torch==2.0.1', 'console_scripts', 'torchrun')\n", "torch", "2.0.1"),
        ("torchvision 0.19.1 requires torch==2.4.1, but you have torch 2.5.1 which is incompatible.\n", "torch", "2.5.1"),
        ("PyTorch 2.1.0+cu121 with CUDA 1201 (you have 2.0.1+cu118)\n", "torch", "2.0.1+cu118"),
        ("ERROR: Could not find a version that satisfies the requirement torch==9.1.0 (from versions: none)\n", "torch", None),
        ("$ pip install torch==2.3.0\n", "torch", None),
        ("PyTorch version: 2.4.1+cu121\n", "torch_build", "cuda"),
        ("PyTorch version: 2.4.1+cpu\n", "torch_build", "cpu"),
        ("PyTorch version: 2.4.1+rocm6.1\n", "torch_build", "rocm"),
        (frame("/Users/eva/fit.py"), "torch_build", "macos"),
        ("AssertionError: Torch not compiled with CUDA enabled\n", "torch_build", "cpu"),
        ("PyTorch version: 2.7.0+cu128\n", "cuda", "12.8"),
        ("CUDA used to build PyTorch: 12.1\n", "cuda", "12.1"),
        ("image pytorch/pytorch:2.1.0-cuda11.8-cudnn8-devel\n", "cuda", "11.8"),
        ("| NVIDIA-SMI 535.104.05    Driver Version: 535.104.05    CUDA Version: 12.2 |\n", "driver", "535.104.05"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.57.02  Tue Jul 13\n", "driver", "470.57.02"),
        ("|   0  NVIDIA A100-SXM4-80GB          On  | 00000000:07:00.0 Off |\n", "gpu", "NVIDIA A100-SXM4-80GB"),
        ("GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n", "gpu", "NVIDIA H100 80GB HBM3"),
        ("NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible\n", "gpu", "NVIDIA GeForce RTX 5090"),
        ("NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible\n", "capability", "12.0"),
        ("Found GPU0 Tesla K40c which is of cuda capability 3.5.\n", "capability", "3.5"),
        ("The current PyTorch install supports CUDA capabilities sm_50 sm_60 sm_70.\n", "capability", None),
        ("NVIDIA driver on your system is too old\n", "gpu", None),
        ("init_process_group(rank=0, world_size=16)\n", "world_size", 16),
        ("torchrun --nnodes=2 --nproc_per_node=8 fit.py\n", "world_size", 16),
        ("AssertionError: Loading a checkpoint for MP=8 but world size is 1\n", "world_size", 1),
        ("initializing: MEMBER: 1/4\nMEMBER: 2/4\n", "world_size", 4),
        ("train_batch_size: world_size 256 != 4 * 8 * 1\n", "world_size", None),
        ("[rank0]: ValueError: x\n[rank3]: ValueError: x\n", "ranks_seen", 2),
        (frame("/opt/conda/lib/python3.11/x.py"), "installer", "conda"),
        (frame(r"C:\Users\eva\anaconda3\lib\x.py"), "installer", "conda"),
        (frame("/home/eva/mambaforge/lib/python3.11/x.py"), "installer", "conda"),
        (frame("/root/.cache/pypoetry/virtualenvs/a-py3.11/lib/python3.11/x.py"), "installer", "poetry"),
        ("$ uv run fit.py\nValueError: x\n", "installer", "uv"),
        (frame("/home/eva/a/.venv/lib/python3.11/x.py"), "installer", "pip"),
        ("<ipython-input-3-abc> in <module>\n----> 1 f()\nValueError: x\n", "notebook", True),
        (frame("/content/fit.py"), "notebook", True),
        ("docker: Error response from daemon: x\n", "container", True),
        ("srun: error: n1: task 0: Exited with exit code 1\n", "slurm", True),
        ("Installed manylinux2014_aarch64 wheel, aarch64\n", "arch", "aarch64"),
        ("transformers version: 4.46.1\n", "transformers", "4.46.1"),
    ],
)
def test_fact(text: str, field: str, value: Any) -> None:
    assert getattr(facts(text), field) == value


def test_every_known_fact_has_its_source() -> None:
    known = facts("PyTorch version: 2.4.1+cu121\n" + frame("/home/eva/fit.py"))
    assert known.sources["torch"] == known.sources["os"] == "text"
    assert all(getattr(known, name) is not None for name in known.sources)


def test_nothing_is_known_of_nothing() -> None:
    assert facts("") == Situation()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from('abc019 .:/\\_-+=()[]"\nPyTorchversionCUDAsmdriverNVIDIAGPU'), max_size=300))
def test_never_crashes(text: str) -> None:
    facts(text)
