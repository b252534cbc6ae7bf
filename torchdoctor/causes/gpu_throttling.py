"""What nvidia-smi says of a GPU that lowered its clocks, or that is badly connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
from torchdoctor.causes.gpu_health import PERFORMANCE

# NVML's mask of the reasons why clocks are lowered: 0x20 and 0x40 heat, 0x04 power cap, 0x80 power brake
_MASK = r"clocks_(?:throttle|event)_reasons\.active\b.{0,200}?\b0x"


def _at_limit(groups: Mapping[str, str], _: Any) -> bool:
    """Whether a temperature is at its limit or above."""
    return int(groups["now"]) >= int(groups["limit"])


THERMAL = Cause(
    slug="gpu-throttled-thermal",
    title="The GPU lowered its clocks because it is too hot",
    why="Near its temperature limit the GPU slows itself down, and so does the work.",
    signs=(
        Sign(r"HW Thermal Slowdown : Active"),
        Sign(r"SW Thermal Slowdown : Active"),
        Sign(r"thermal slowdown (?:is )?active", FAIR),
        Sign(r"thermal (?:violation|throttling) (?:detected|active)", FAIR),
        Sign(r"due to thermal violation"),
        Sign(r"Thermal Shutdown", FAIR, also=(r"NVRM",)),
        Sign(r"GPU .{0,40}has overheated", FAIR),
        Sign(r"GPU Current Temp : (?P<now>\d+) C .{0,200}?GPU Slowdown Temp : (?P<limit>\d+) C", FAIR, test=_at_limit),
        Sign(r"GPU Current Temp : (?P<now>\d+) C .{0,200}?GPU Max Operating Temp : (?P<limit>\d+) C", FAIR, test=_at_limit),
        Sign(r"Memory Current Temp : (?P<now>\d+) C .{0,60}?Memory Max Operating Temp : (?P<limit>\d+) C", FAIR, test=_at_limit),
        Sign(r"GPU T\.Limit Temp : (?:-\d+|0) C\b", FAIR),
        Sign(r"HW Slowdown : Active", FAIR, unless=(r"HW (?:Thermal|Power Brake) Slowdown :",)),
        Sign(rf"{_MASK}[0-9a-f]{{14}}[2-7a-f][0-9a-f]\b", FAIR),
        Sign(r"reasons?[._][hs]w_thermal_slowdown\W{1,4}Active\b"),
        Sign(r"DCGM_FR_(?:CLOCKS?_(?:EVENT|THROTTLE)_THERMAL|TEMP_VIOLATION|THERMAL_VIOLATIONS?\w*)"),
        Sign(r"GPU_TEMP_HW_SLOWDOWN_VIOLATION"),
        Sign(r"hw slowdown events frequency per minute .{0,120}exceeded threshold", FAIR),  # gpud
        Sign(r"HW (?:Thermal )?Slowdown (?:\([^)]{0,60}\) )?is engaged"),  # gpud
        Sign(r"exceeded its (?:slowdown|shutdown|maximum|max)[\w ]{0,20} temp", FAIR),
        Sign(r"throttl\w+ (?:due to|because of) .{0,20}(?:thermal|temperature|heat)", FAIR, unless=(r"no throttl", r"avoid")),
        Sign(r"PerfCap Reason\W{1,6}Th(?:e)?rm", FAIR),
        Sign(
            r"\bthermal(?:ly)?[- ]throttl(?:es|ed|ing)\b",
            FAIR,
            also=(r"\bGPU|MHz",),
            unless=(
                r"\b(?:no|not|without|avoid\w*|prevent\w*|never|0|zero|none)\b.{0,20}thermal(?:ly)?[- ]throttl",
                r"thermal[- ]throttl\w* ?[:|] ?\W{0,4}(?:0|no|none|false|not)\b",
            ),
        ),
    ),
    fixes=(
        Fix(
            do="Improve the cooling: clean fans and filters, airflow between cards, inlet temperature; look at temperatures under load.",
            commands=(PERFORMANCE,),
            who="admin",
        ),
        Fix(
            do="As a stopgap lower the power limit, which lowers the heat; check the platform's temperature setting (BIOS, BMC, thermald on laptops).",
            commands=("sudo nvidia-smi -pl 250",),
            who="admin",
        ),
    ),
    explains=("gpu-throttled-power",),
    decide=PERFORMANCE,
    examples=(
        "    Clocks Throttle Reasons\n        SW Power Cap                      : Not Active\n        HW Slowdown                       "
        ": Active\n"
        "            HW Thermal Slowdown           : Active\n            HW Power Brake Slowdown       : Not Active",
        "    Temperature\n        GPU Current Temp                  : 91 C\n        GPU Shutdown Temp                 : 101 C\n"
        "        GPU Slowdown Temp                 : 98 C\n        GPU Max Operating Temp            : 87 C",
        "index, clocks_event_reasons.active\n0, 0x0000000000000001\n1, 0x0000000000000060",
        "the GPU thermally throttles after two minutes: 1980 MHz, then 1200 MHz at 92 C",
    ),
    counterexamples=(
        "        GPU Current Temp                  : 54 C\n        GPU Shutdown Temp                 : 98 C\n"
        "        GPU Slowdown Temp                 : 95 C\n        GPU Max Operating Temp            : 93 C",
        "index, clocks_event_reasons.active\n0, 0x0000000000000001",
        "            HW Thermal Slowdown           : Not Active\n        SW Thermal Slowdown               : Not Active",
        "GPU at 1980 MHz, 66 C, no thermal throttling in an hour",
    ),
)

POWER = Cause(
    slug="gpu-throttled-power",
    title="The GPU lowered its clocks because of its power cap",
    why="The GPU runs at its power limit (SW Power Cap; normal at full load), or the power supply asked it to slow down (HW Power Brake).",
    signs=(
        Sign(r"HW Power Brake Slowdown : Active", STRONG),
        Sign(r"SW Power Cap : Active", FAIR),
        Sign(r"clocks? .{0,60}due to power (?:violation|cap)", FAIR),
        Sign(r"power brake slowdown (?:is )?active", FAIR),
        Sign(rf"{_MASK}[0-9a-f]{{15}}[4-7c-f]\b", FAIR),
        Sign(rf"{_MASK}[0-9a-f]{{14}}[89a-f][0-9a-f]\b", FAIR),
        Sign(r"reasons?[._]sw_power_cap\W{1,4}Active\b", FAIR),
        Sign(r"reasons?[._]hw_power_brake_slowdown\W{1,4}Active\b"),
        Sign(r"DCGM_FR_CLOCKS?_(?:EVENT|THROTTLE)_POWER"),
        Sign(r"GPU_HW_POWER_BRAKE_VIOLATION"),
        Sign(r"HW Power Brake Slowdown (?:\([^)]{0,80}\) )?is engaged"),  # gpud
        Sign(r"PerfCap Reason\W{1,6}P(?:o)?we?r", FAIR),
        Sign(r"throttl\w+ (?:due to|because of) .{0,20}power", FAIR, unless=(r"no throttl", r"avoid")),
        Sign(r"\bsw_power_cap\W{1,6}active\W{1,8}[1-9]", FAIR),
        Sign(r"\bsw_power_cap\W{1,6}Active\b(?!\W{1,8}0\b)", FAIR),
        Sign(
            r"\bSW Power Cap\b .{0,24}(?:appears?|kicks in|binds|is binding|reached|hit)\b",
            FAIR,
            unless=(r"Clocks (?:Throttle|Event) Reasons",),
        ),
        Sign(r"\bPower Cap : Active\b", FAIR),
    ),
    fixes=(
        Fix(
            do="At full load this is normal. To be faster, raise the power limit where the card allows it (nvidia-smi -q -d POWER shows "
            "the maximum).",
            commands=("nvidia-smi -q -d POWER", "sudo nvidia-smi -pl 350"),
            who="admin",
        ),
        Fix(
            do="HW Power Brake, or a cap far below the card's rating: check power supply, cables and connectors, and a limit set by the "
            "platform (BMC, laptop profile).",
            who="admin",
        ),
    ),
    decide=PERFORMANCE,
    examples=(
        "    Clocks Event Reasons\n        Idle : Not Active\n        SW Power Cap                      : Active\n        HW Slowdown    "
        "                   : Not Active",
        "clocks_throttle_reasons.active\n0x0000000000000004",
        "| SM clock | 1,410 MHz |\n| `sw_power_cap` active | **58 of 60** samples |",
    ),
    counterexamples=(
        "        SW Power Cap                      : Not Active",
        "        SW Power Capping                  : 0 us",
        "| `sw_power_cap` active | 0 of 60 samples |",
    ),
)


def _narrower(groups: Mapping[str, str], _: Any) -> bool:
    """Fewer PCIe lanes are in use than the card has."""
    return int(groups["now"]) < int(groups["most"])


PCIE = Cause(
    slug="pcie-link-degraded",
    title="The GPU's PCIe link is narrower or slower than it should be",
    why="Fewer lanes (or an older generation) than the card can do: a riser, a wrong or shared slot, bad seating, or a BIOS setting. An "
    "idle GPU lowers the "
    "generation to save power, so the speed counts under load only; the width always counts.",
    signs=(
        Sign(r"Link Width Max : (?P<most>\d+)x Current : (?P<now>\d+)x", STRONG, test=_narrower),
        Sign(r"Width x\d+ \(downgraded\)"),
        Sign(r"limited by [\d.]+ GT/s PCIe x(?P<now>\d+) link .{0,80}capable of .{0,60}PCIe x(?P<most>\d+) link", FAIR, test=_narrower),
        Sign(r"LnkSta: Speed [\d.]+GT/s \(downgraded\)", FAIR),
        Sign(r"PCIe Bus Error: severity=Corrected", FAIR, also=(r"nvidia ",)),
        Sign(r"PCIe link (?:(?:width|speed) )?(?:is |was )?(?:degraded|downgraded|reduced)", FAIR),
        Sign(r"running at (?:PCIe )?gen ?\d,? x\d{1,2} instead of", FAIR),
        Sign(r"DCGM_FR_PCI_REPLAY_RATE"),
        Sign(r"DCGM_FR_PCIE_(?:GENERATION|WIDTH|H_REPLAY|REPLAY)"),
        Sign(r"PCIe replays? per minute", FAIR),
        Sign(r"PCIe x\d{1,2} \d\.\d @ x[1248] \d\.\d", FAIR),  # GPU-Z
        Sign(
            r"LnkCap: .{0,60}Width x(?P<most>\d+).{0,600}?LnkSta: Speed .{1,40}Width x(?P<now>\d+)",
            FAIR,
            also=(r"NVIDIA",),
            test=lambda groups, situation: _narrower(groups, situation),
        ),
        Sign(r"AER: .{0,160}(?:RxErr|BadTLP|BadDLLP|Rollover|Replay)", FAIR, also=(r"nvidia ",)),
        Sign(r"PCIe GEN ?\d@ ?[124]x", WEAK),
        Sign(
            r"pcie\.link\.width\.max\b[^|]{0,60}? (?P<gen>\d), (?P<width>\d{1,2}), (?P<gen_max>\d), (?P<width_max>\d{1,2})\b",
            FAIR,
            test=lambda groups, situation: int(groups["width"]) < int(groups["width_max"]),
        ),
        Sign(r"[\d.]+ ?GT/s \(downgraded\)", FAIR),
    ),
    fixes=(
        Fix(
            do="Check it under load: the width must be the card's, the generation the slot's.",
            commands=(
                "nvidia-smi --query-gpu=index,pcie.link.gen.current,pcie.link.gen.max,pcie.link.width.current,pcie.link.width.max "
                "--format=csv",
            ),
        ),
        Fix(
            do="Reseat the card, use the first x16 slot, replace the riser, and set the slot to Gen4/Gen5 x16 in the BIOS (no "
            "bifurcation, nothing sharing the lanes).",
            who="admin",
        ),
    ),
    decide="nvidia-smi -q | grep -A 12 'GPU Link Info'",
    examples=(
        "        GPU Link Info\n            Link Width\n                Max                       : 16x\n                Current         "
        "          : 4x",
        "LnkSta: Speed 8GT/s (ok), Width x8 (downgraded)",
        "Detected more than 8 PCIe replays per minute for GPU 1 : 5211 Reconnect PCIe card.",
    ),
    counterexamples=(
        "            Link Width\n                Max                       : 16x\n                Current                   : 16x",
    ),
)

CAUSES = (THERMAL, POWER, PCIE)
