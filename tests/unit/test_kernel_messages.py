"""Xid and SXid lines, the actions their numbers ask for, and the ladder."""

from __future__ import annotations

import pytest

from torchdoctor import gpu_tables, remedy
from torchdoctor.facts import KernelLine
from torchdoctor.kernel_messages import action_of, bus_key, sxid_events, xid_events
from torchdoctor.model import CheckResult, Finding, Fix, Status
from torchdoctor.remedy import Rung


def event(text):
    return xid_events([KernelLine(text)])[0]


@pytest.mark.parametrize(
    ("line", "bus", "number"),
    [
        ("NVRM: Xid (PCI:0000:18:00): 79, pid=1, GPU has fallen off the bus.", "0000:18:00", 79),
        ("NVRM: Xid (0000:03:00): 31, Ch 00000010, engmask 00000101", "0000:03:00", 31),
        ("[ 12.3] NVRM: Xid (PCI:0000:3B:00 GPU-I:05): 13, Graphics Exception", "0000:3b:00", 13),
        ("NVRM: Xid (PCI:0018:01:00): 149, NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000)", "0018:01:00", 149),
        ("NVRM: Xid (PCI:0000:c1:00): 43", "0000:c1:00", 43),
    ],
)
def test_an_xid_is_read(line, bus, number):
    assert (event(line).bus_id, event(line).number) == (bus, number)


def test_an_sxid_is_no_xid():
    line = KernelLine("nvidia-nvswitch3: SXid (PCI:0000:06:00.0): 20034, Fatal, Link 25 LTSSM Fault Up")
    assert not xid_events([line])
    assert [(e.bus_id, e.number, e.text) for e in sxid_events([line])] == [("0000:06:00", 20034, "Fatal, Link 25 LTSSM Fault Up")]


def test_bus_ids_of_all_sources_have_one_form():
    assert bus_key("00000000:18:00.0") == bus_key("0000:18:00") == bus_key("0000:18:00.0") == "0000:18:00"


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("NVRM: Xid (PCI:0000:18:00): 79, x", "reboot"),
        ("NVRM: Xid (PCI:0000:18:00): 31, x", "restart-program"),
        ("NVRM: Xid (PCI:0000:18:00): 63, x", "nothing"),
        ("NVRM: Xid (PCI:0000:18:00): 119, x", "reset-gpu"),
        ("NVRM: Xid (PCI:0000:18:00): 54, x", "inspect"),
        ("NVRM: Xid (PCI:0000:18:00): 9999, x", "inspect"),
        ("NVRM: Xid (PCI:0000:18:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)", "reset-gpu"),
        ("NVRM: Xid (PCI:0000:18:00): 154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)", "nothing"),
        ("NVRM: Xid (PCI:0000:18:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)", "reboot"),
        ("NVRM: Xid (PCI:0000:18:00): 144, SAW_MVB Non-fatal XC0 i0 Link 03 (0x00000021 0x00000004)", "nothing"),
        ("NVRM: Xid (PCI:0000:18:00): 144, SAW_MVB Fatal XC0 i0 Link 03 (0x00000021 0x00000002)", "reset-gpu"),
        ("NVRM: Xid (PCI:0000:18:00): 145, UNHEARD_OF Fatal XC0", "reset-gpu"),
        ("NVRM: Xid (PCI:0000:18:00): 145, UNHEARD_OF Nonfatal XC0", "nothing"),
    ],
)
def test_the_number_asks_for_an_action(line, action):
    assert action_of(event(line)) == action


def test_every_action_of_the_tables_is_a_rung():
    actions = (
        {xid.action for xid in gpu_tables.xids().values()}
        | {s.action for s in gpu_tables.sxids().values()}
        | {r[3] for r in gpu_tables.nvlink5()}
    )
    assert actions <= set(remedy.WORDS)


def test_every_row_of_the_thresholds_names_source_and_date():
    for row in gpu_tables.rows("thresholds"):
        assert row["source"]
        assert row["unit"]
        assert len(row["date"]) == 10


@pytest.mark.parametrize("rung", [rung for rung in Rung if rung not in (Rung.NOTHING, Rung.CONFIGURE)])
def test_a_fix_tells_its_rung(rung):
    assert remedy.rung_of(remedy.fix(rung, gpu=2)) is rung


def result(status, *findings):
    return CheckResult("row-remapping", "TD804", "health", status, "", findings)


def test_the_worst_rung_decides_for_the_node():
    reset = Finding(Status.FAIL, "a", "gpu:1", fixes=(remedy.fix(Rung.RESET_GPU, gpu=1),))
    inspect = Finding(Status.WARN, "b", "gpu:4", fixes=(remedy.fix(Rung.INSPECT),))
    setting = Finding(Status.WARN, "c", "gpu:0", fixes=(Fix("Set the default mode."),))
    info = Finding(Status.INFO, "d", "gpu:7", fixes=(remedy.fix(Rung.POWER_CYCLE),))
    assert remedy.node_action([result(Status.FAIL, reset, setting)]) == "reset the GPU (gpu:1)"
    assert remedy.node_action([result(Status.FAIL, reset), result(Status.WARN, inspect)]) == "reset the GPU (gpu:1)"
    assert remedy.node_action([result(Status.WARN, inspect)]) == "have the hardware inspected (gpu:4)"
    assert remedy.node_action([result(Status.WARN, setting), result(Status.INFO, info)]) is None


def test_other_groups_do_not_speak_for_the_gpus():
    other = CheckResult("disk-space", "TD105", "host", Status.FAIL, "", (Finding(Status.FAIL, "x", fixes=(remedy.fix(Rung.REBOOT),)),))
    assert remedy.node_action([other]) is None
