"""Redaction: planted secrets leave by no field and no format; what a diagnosis needs stays."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sample_reports import HEALTHY, SICK
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Patient, Report, Status
from torchdoctor.report import github, json_report, junit, markdown, text
from torchdoctor.report.redact import Redactor

# Joined here so that no scanner of repositories takes the made-up values for real ones.
HF = "hf" + "_" + "QwErTyUiOpAsDfGhJkLzXcVbNm123456"
GITHUB = "gh" + "p_" + "0123456789abcdefghijABCDEFGHIJ012345"
GITHUB_PAT = "github" + "_pat_" + "11ABCDEFG0abcdefghijkl_0123456789abcdefghijkl"
AWS = "AK" + "IA" + "ABCDEFGHIJKLMNOP"
OPENAI = "sk" + "-" + "proj-abcdefghijklmnopqrstuvwxyz0123456789"
WANDB = "0123456789abcdef0123456789abcdef01234567"

SECRETS = {
    HF: f"token {HF} was refused",
    GITHUB: f"git clone https://{GITHUB}@github.com/acme/x",
    GITHUB_PAT: f"auth: {GITHUB_PAT}.",
    AWS: f"id={AWS};",
    OPENAI: f"({OPENAI})",
    WANDB: f"wandb login --relogin {WANDB}",
    "hunter2-url": "pip install --index-url https://bob:hunter2-url@pypi.acme.example/simple torch",
    "correct-horse": "DB_PASSWORD=correct-horse",
    "battery staple": "PASSWORD='battery staple'",
    "swordfish9": '{"password": "swordfish9"}',
    "s3cr3tvalue": "export MY_SERVICE_TOKEN=s3cr3tvalue",
    "k3yvalue": "ACME_LICENSE_KEY: k3yvalue",
    "flagtoken77": "huggingface-cli login --token flagtoken77",
    "bearervalue99": "Authorization: Bearer bearervalue99",
    "wanda.fish@acme.example": "mail to wanda.fish@acme.example, soon",
    "zebulon": "/home/zebulon/train/run.py",
    "yolanda": r"C:\Users\yolanda\miniconda3\python.exe",
    "xavier": "/Users/xavier/Library/Caches",
    "93.184.216.34": "connect to 93.184.216.34:29500 refused",
    "2a00:1450:4001:81b::200e": "from [2a00:1450:4001:81b::200e]:29500",
    "b8:27:eb:12:34:56": "ether b8:27:eb:12:34:56",
    "GPU-01234567-89ab-cdef-0123-456789abcdef": "uuid GPU-01234567-89ab-cdef-0123-456789abcdef",
}
MINED = {"quokka-17": "on quokka-17.lab.acme.example", "quentin": "chown quentin:users /scratch"}
FACTS = {"Host": {"hostname": "quokka-17.lab.acme.example", "user": "quentin"}}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_a_text(secret: str) -> None:
    shown = Redactor().text(SECRETS[secret])
    assert secret not in shown
    assert shown == Redactor().text(shown), "redacting twice changes nothing further"


ALL = "\n".join([*SECRETS.values(), *MINED.values()])


def planted() -> Report:
    """A report with every secret in every field that holds text."""
    finding = Finding(Status.FAIL, ALL, ALL, (Evidence(ALL, ALL),), (Fix(ALL, (ALL, ALL), "admin", "restart", ALL),), ALL)
    result = CheckResult(ALL, ALL, ALL, Status.FAIL, ALL, (finding,), 0.1, ALL)
    facts = {**FACTS, ALL: ALL, "list": [ALL, {"deep": {ALL: [ALL]}}], "environment": {"HF_TOKEN": "plainvalue1"}, "machine": ALL}
    return Report(ALL, "2026-01-31T12:00:00Z", 1.0, "fail", ALL, 1, Patient(ALL, ALL, ALL, ALL), facts, (result, result), (ALL,))


FORMATS = {
    "text": lambda report: text.render(report, verbose=True),
    "json": json_report.render,
    "junit": junit.render,
    "github": github.render,
    "github summary": github.summary,
    "markdown": markdown.render,
}


@pytest.mark.parametrize("format_", FORMATS)
def test_no_secret_leaves_by_any_field_of_any_format(format_: str) -> None:
    shown = FORMATS[format_](Redactor().report(planted())).lower()
    for secret in [*SECRETS, *MINED, "plainvalue1"]:
        assert secret.lower() not in shown, secret


def test_every_field_of_the_model_is_covered() -> None:
    """A field added to the report's types must go through the redaction as well."""
    redacted = Redactor().report(planted())
    kept = {"started", "verdict", "status", "who", "risk", "when"}

    def walk(value: object, path: str) -> None:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                if field.name not in kept:
                    walk(getattr(value, field.name), f"{path}.{field.name}")
        elif isinstance(value, (tuple, list)):
            for item in value:
                walk(item, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(key, path)
                walk(item, path)
        elif isinstance(value, str):
            assert "zebulon" not in value, path

    walk(redacted, "report")
    assert "zebulon" in repr(planted())


def test_the_same_value_has_the_same_alias_and_others_have_others() -> None:
    redactor = Redactor()
    first = redactor.text(f"{HF} /home/zebulon/a wanda@acme.example")
    assert redactor.text(f"{HF} /home/zebulon/b") == first.replace("/a wanda@acme.example", "/b").replace("/a email-1", "/b")
    assert redactor.text("/home/walter/c") == "/home/user-2/c"
    assert redactor.text("zebulon@quiet:~$") == "user-1@quiet:~$"


def test_a_redacted_report_is_a_whole_report() -> None:
    redacted = Redactor().report(SICK)
    assert json_report.from_data(json_report.to_data(redacted)) == redacted
    assert redacted.results == SICK.results, "there is nothing personal in it"
    assert Redactor().report(HEALTHY) == HEALTHY


def test_a_user_named_like_a_word_of_the_contract_breaks_nothing() -> None:
    report = dataclasses.replace(SICK, facts={"user": "results", "hostname": "summary", "machine": "8 x H100"})
    redacted = Redactor().report(report)
    assert [result.status for result in redacted.results] == [result.status for result in SICK.results]


@pytest.mark.parametrize(
    "harmless",
    [
        "nvidia-cudnn-cu12==9.1.0.70, nvidia-cudnn-cu12 9.1.0.70, cuDNN 9.10.2.21, libcudnn.so.9.1.0.70",
        "pad_token=0 eos_token_id: 128009 tokenizer.pad_token = tokenizer.eos_token",
        "KeyError: 'token'",
        "sort_key=lambda x: x, missing_key: layers.0.weight",
        "127.0.0.1:29500 10.0.0.7 192.168.1.3 ::1 fe80::1",
        "c10::cuda::CUDAKernelLaunchRegistry at::native add::be 12:34:56",
        "/root/.cache/huggingface /usr/lib/python3.11 /opt/conda/bin",
        "git+https://github.com/pytorch/pytorch@v2.4.0",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "torch.cuda.OutOfMemoryError: Tried to allocate 2.00 GiB. GPU 0",
    ],
)
def test_what_a_diagnosis_needs_stays(harmless: str) -> None:
    assert Redactor().text(harmless) == harmless


def test_versions_of_wheels_in_facts_stay() -> None:
    facts = {"wheels": {"nvidia-cudnn-cu12": "9.1.0.70"}, "cudnn_version": "9.1.0.70", "addr": "93.184.216.34"}
    redacted = Redactor().report(dataclasses.replace(HEALTHY, facts=facts)).facts
    assert redacted == {**facts, "addr": "ip-1"}


@given(st.text(max_size=80))
def test_any_text_can_be_redacted_and_again_without_change(value: str) -> None:
    once = Redactor().text(value)
    assert Redactor().text(once) == once


@given(st.text(alphabet="abcdefghijklmnop0123456789", min_size=8, max_size=30))
def test_environment_secrets_never_stay(value: str) -> None:
    assert value not in Redactor().text(f"MY_TOKEN={value} X_API_KEY='{value}'")
