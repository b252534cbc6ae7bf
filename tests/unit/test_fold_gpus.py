"""Equal findings of several GPUs are one finding, whose commands name all of them."""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.model import Evidence, Finding, Status
from torchdoctor.remedy import Rung
from torchdoctor.report.fold import fold


def finding(gpu: int, title: str = "a memory row waits") -> Finding:
    return Finding(Status.FAIL, title, f"gpu:{gpu}", (Evidence("nvml", f"row of {gpu}"),), (remedy.fix(Rung.RESET_GPU, gpu=gpu),))


def test_equal_findings_fold_although_each_command_names_its_own_gpu():
    (one,) = fold([finding(0), finding(1), finding(11)])
    assert one.subject == "gpu:0-1,11"
    assert one.fixes[0].commands == ("sudo nvidia-smi --gpu-reset -i 0,1,11",)
    assert len(one.evidence) == 3


def test_a_single_finding_keeps_its_command():
    (one,) = fold([finding(3)])
    assert one.fixes[0].commands == ("sudo nvidia-smi --gpu-reset -i 3",)


def test_different_findings_stay_apart():
    assert len(fold([finding(0), finding(1, "another thing")])) == 2
