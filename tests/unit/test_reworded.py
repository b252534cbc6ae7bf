"""Messages in other words: translated before they were pasted, or of a version that no sign knows."""

from __future__ import annotations

import pytest

from tests.diagnosing import answer_to
from torchdoctor.diagnose.glossary import foreign
from torchdoctor.gpu_tables import rows


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("RuntimeError：分布式包没有内置 NCCL", "nccl-not-built"),
        ("RuntimeError: El paquete distribuido no tiene NCCL integrado", "nccl-not-built"),
        ("RuntimeError: वितरित पैकेज में NCCL निर्मित नहीं है", "nccl-not-built"),
        ("RuntimeError: CUDA エラー: デバイス側アサートがトリガーされました", "device-side-assert"),
        ("RuntimeError: CUDA-Fehler: Ein ungültiger Speicherzugriff wurde festgestellt", "illegal-memory-access"),
        ("AssertionError: Torch не скомпилирован с поддержкой CUDA", "torch-cpu-only-build"),
        ("RuntimeError：mat1 和 mat2 的形状不能相乘（32x512 和 256x10）", "shape-mismatch"),
        ("RuntimeError：DataLoader 工作进程（pid 4321）被信号杀死：Killed。", "dataloader-worker-killed"),
        ("NVIDIA-SMI 失败，因为它无法与 NVIDIA 驱动程序通信。", "nvidia-smi-cannot-communicate"),
        ("RuntimeError: 분산 패키지에 NCCL이 내장되어 있지 않습니다", "nccl-not-built"),
        ("AssertionError: Torch non è compilato con CUDA abilitato", "torch-cpu-only-build"),
        ("RuntimeError: CUDA bellek yetersiz. 20 MiB tahsis edilmeye çalışıldı (GPU 0; 4 GiB toplam kapasite)", "cuda-oom"),
        (
            "RuntimeError: Không tìm thấy trình điều khiển NVIDIA trên hệ thống của bạn. Vui lòng kiểm tra GPU NVIDIA",
            "cuda-unavailable-no-driver",
        ),
        ("Laufzeitfehler: CUDA-Fehler: ungültige Geräteordnungszahl", "invalid-device-ordinal"),
        ("运行时错误：无法在需要 grad 的张量上调用 numpy()。请改用 tensor.detach().numpy()。", "numpy-requires-grad"),
        ("RuntimeError：Python 3.12 尚不支持 torch.compile", "torch-compile-python-version"),
        (
            "RuntimeError: On attendait que tous les tenseurs soient sur le même appareil, mais deux appareils ont été trouvés, cuda:0 et cpu",
            "device-mismatch",
        ),
    ],
)
def test_a_translated_message_is_read_in_the_librarys_words(text: str, cause: str) -> None:
    first = answer_to(text).diagnoses[0]
    assert first.cause == cause
    assert first.confidence != "confirmed"
    assert "translation" in first.decided
    assert first.evidence[0].text == text
    assert not answer_to(text).unrecognised


def test_the_exception_may_stand_on_the_line_before() -> None:
    text = "Ausnahme aufgetreten: RuntimeError\nCUDA-Fehler: Ein ungültiger Speicherzugriff wurde festgestellt\n"
    assert answer_to(text).diagnoses[0].cause == "illegal-memory-access"


def test_values_that_only_the_librarys_example_has_are_not_told() -> None:
    said = answer_to("RuntimeError：输入类型（torch.cuda.FloatTensor）和权重类型（torch.cuda.HalfTensor）应该相同").diagnoses[0]
    assert said.cause == "dtype-mismatch"
    shown = f"{said.title} {said.why} {said.fixes}"
    assert "ByteTensor" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "FileNotFoundError：[Errno 2] 没有那个文件或目录：'data.csv'",
        "IndexError：列表索引超出范围",
        "ConnectionRefusedError: [WinError 10061] 由于目标计算机积极拒绝，无法连接。",
        "ValueError：输入数据形状不正确，期望 (32, 10)，得到 (32, 12)",
        "训练开始：设备 cuda:0，批次大小 32，模型已加载，显存 10.2 GiB 可用，学习率 1e-4",
        "Модель загружена на устройство cuda:0, память 8.2 GiB свободно, обучение начато",
        "epoch 3 Verlust 0.31, GPU-Speicher 10 GB, Fehler 0, Modell gespeichert, Gerät cuda:0",
        "किसी भी त्रुटि के बिना मॉडल लोड हुआ, डिवाइस cuda:0",
        "train.py: 错误：无法识别的参数：--walrus 32",
        "RuntimeError: Der Datensatz enthält keine Bilder, bitte Pfad prüfen",
        "RuntimeError: 모델이 아직 학습되지 않았습니다. 먼저 fit()을 호출하세요",
        "RuntimeError: il set di dati è vuoto, controllare il percorso",
        "Eğitim cuda:0 aygıtında başlatıldı, bellek 10 GiB boş, model yüklendi",
        "请问怎么安装 CUDA 和 PyTorch？我的显卡驱动版本是 550，Python 3.10。",
    ],
)
def test_ordinary_errors_and_reports_in_other_languages_are_left_alone(text: str) -> None:
    assert not answer_to(text).diagnoses


def test_english_is_not_taken_for_another_language() -> None:
    lines = (
        "RuntimeError: the signal module has no such argument",
        "loading the tokenizer, version 4, batch 3, operator graph",
        "RuntimeError: x",
    )
    assert not any(map(foreign, lines))


def test_every_row_of_the_glossary_has_a_term_in_most_languages() -> None:
    table = list(rows("glossary"))
    assert len({row["english"] for row in table}) == len(table)
    for row in table:
        assert sum(bool(term) for language, term in row.items() if language != "english") >= 6, row["english"]


TRACE = 'Traceback (most recent call last):\n  File "/srv/app/fit.py", line 9, in <module>\n    go()\n'


def test_a_failure_that_is_worded_like_a_known_one_is_a_possibility() -> None:
    said = answer_to(
        TRACE + "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:144] failed, full mesh with no error"
    ).diagnoses[0]
    assert said.cause == "gloo-wrong-interface"
    assert said.confidence == "possible"
    assert "no sign" in said.decided


@pytest.mark.parametrize(
    "text",
    [
        TRACE + "KeyError: 'distributed package has no NCCL'",
        TRACE + "RuntimeError: CUDA walrus overflow in tusk unit",
        "ERROR: No matching distribution found for mycompany-utils==3.2",
        '+    # raise RuntimeError("CUDA out of memory")',
        "n1:7:9 [0] NCCL INFO cudaDriverVersion 12000",
    ],
)
def test_what_is_only_a_little_like_a_known_failure_stays_unknown(text: str) -> None:
    assert not answer_to(text).diagnoses
