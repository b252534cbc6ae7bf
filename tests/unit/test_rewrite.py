"""The person's own line, mended where the traceback shows it."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.log import Event, Frame, Line, make_stream
from torchdoctor.diagnose.match import Candidate, Hit
from torchdoctor.diagnose.rewrite import REWRITINGS, rewrite
from torchdoctor.model import Cause, Sign, Strength

MESSAGE = "RuntimeError: it failed"


def candidate(code: str, further: tuple[str, ...] = (), path: str = "/home/me/train.py", function: str = "main") -> Candidate:
    texts = ("Traceback (most recent call last):", f'File "{path}", line 7, in {function}', code, MESSAGE, *further)
    lines = tuple(Line("-", number, text) for number, text in enumerate(texts, 1))
    frames = (Frame(path, 7, function, code), Frame("/usr/lib/python3.11/site-packages/torch/x.py", 1, "f", "raise RuntimeError()"))
    stream = make_stream(lines, (Event("exception", "RuntimeError", "it failed", 0, 3, frames),))
    sign = Sign("it failed")
    start = stream.text.index("it failed")
    cause = Cause("x", "x", "x", (sign,), ())
    return Candidate(cause, Strength.STRONG, stream, start, start + 9, {}, (Hit(sign, Strength.STRONG, start, start + 9, {}),))


HEAD = "# train.py, line 7\n"


@pytest.mark.parametrize(
    ("name", "code", "written"),
    [
        (
            "move-input",
            "out = model.generate(input_ids, max_new_tokens=9)",
            "+ input_ids = input_ids.to(model.device)\n  out = model.generate(input_ids, max_new_tokens=9)",
        ),
        ("move-input", "out = model.generate(**inputs)", "+ inputs = inputs.to(model.device)\n  out = model.generate(**inputs)"),
        ("move-input", "y = self.net(x, cfg_name)", "+ x = x.to(next(self.net.parameters()).device)\n  y = self.net(x, cfg_name)"),
        (
            "move-input",
            "loss = net(**batch).loss",
            "+ batch = {key: value.to(next(net.parameters()).device) for key, value in batch.items()}\n  loss = net(**batch).loss",
        ),
        ("move-input", "h = h + mask", "+ mask = mask.to(h.device)\n  h = h + mask"),
        ("move-input", "z = torch.cat([a, b], dim=1)", "+ b = b.to(a.device)\n  z = torch.cat([a, b], dim=1)"),
        ("move-input", "loss = criterion(pred, target)", "+ target = target.to(pred.device)\n  loss = criterion(pred, target)"),
        ("move-input", "return table[idx]", "+ idx = idx.to(table.device)\n  return table[idx]"),
        ("move-input", "for logits in model(x):", "+ x = x.to(next(model.parameters()).device)\n  for logits in model(x):"),
        ("move-model", "net = DDP(net, device_ids=[rank])", "+ net = net.to(device)\n  net = DDP(net, device_ids=[rank])"),
        ("move-model", "out = model(x)", "+ model = model.to(x.device)\n  out = model(x)"),
        ("add-cpu-numpy", "a = out.numpy()", "- a = out.numpy()\n+ a = out.detach().cpu().numpy()"),
        ("add-cpu-numpy", "a = out.cpu().numpy()", "- a = out.cpu().numpy()\n+ a = out.cpu().detach().numpy()"),
        (
            "add-cpu-numpy",
            "plt.plot(losses, label='é')",
            "- plt.plot(losses, label='é')\n+ plt.plot(losses.detach().cpu().numpy(), label='é')",
        ),
        ("detach-numpy", "f(w.numpy())", "- f(w.numpy())\n+ f(w.detach().numpy())"),
        (
            "map-location",
            "sd = torch.load(path)['model']",
            "- sd = torch.load(path)['model']\n+ sd = torch.load(path, map_location=\"cpu\")['model']",
        ),
        (
            "backend-gloo",
            'dist.init_process_group("nccl", rank=r)',
            '- dist.init_process_group("nccl", rank=r)\n+ dist.init_process_group("gloo", rank=r)',
        ),
        (
            "backend-gloo",
            "dist.init_process_group(backend='nccl')",
            "- dist.init_process_group(backend='nccl')\n+ dist.init_process_group(backend=\"gloo\")",
        ),
        ("backend-gloo", "dist.init_process_group()", '- dist.init_process_group()\n+ dist.init_process_group(backend="gloo")'),
        ("cast-float", "x = x.to('mps')", "- x = x.to('mps')\n+ x = x.float().to('mps')"),
        ("cast-float", "loss = loss_fn(pred, y)", "- loss = loss_fn(pred, y)\n+ loss = loss_fn(pred, y.float())"),
    ],
)
def test_the_line_is_mended(name: str, code: str, written: str) -> None:
    assert rewrite(name, candidate(code)) == HEAD + written


def test_a_hard_coded_device_becomes_the_one_there_is() -> None:
    said = rewrite("device-available", candidate('model = Net().to("cuda:0")')) or ""
    assert said.splitlines()[1] == '- model = Net().to("cuda:0")'
    assert said.splitlines()[-1] == "+ model = Net().to(device)"
    assert "torch.cuda.is_available()" in said


def test_cuda_as_a_method_too() -> None:
    assert (rewrite("device-available", candidate("x = x.cuda()")) or "").endswith("+ x = x.to(device)")


def test_a_call_of_which_only_the_first_line_is_shown() -> None:
    assert rewrite("move-input", candidate("generation_output = model.generate(")) == (
        HEAD + "+ input_ids = input_ids.to(model.device)\n  generation_output = model.generate("
    )


def test_its_arguments_are_found_where_the_text_shows_the_source() -> None:
    source = ("my script:", "out = model.generate(", "input_ids=tokens,", "max_new_tokens=32", ")", "print(out)")
    assert (
        rewrite("move-input", candidate("out = model.generate(", source))
        == HEAD + "+ tokens = tokens.to(model.device)\n  out = model.generate("
    )


def test_a_guard_for_what_stands_at_module_level() -> None:
    said = rewrite("main-guard", candidate("train()", function="<module>"))
    assert said == HEAD + '- train()\n+ if __name__ == "__main__":\n+     train()'
    assert rewrite("main-guard", candidate("train()", function="run")) is None


@pytest.mark.parametrize("name", REWRITINGS)
@pytest.mark.parametrize("code", ["", "x = (", "???", "else:", "pass", "f(" * 500, "return", "x = 1", "'", "lambda: (yield)", "模型(输入"])
def test_what_cannot_be_read_gives_nothing_and_no_error(name: str, code: str) -> None:
    said = rewrite(name, candidate(code))
    assert said is None or said.startswith("# train.py")


def test_only_the_persons_own_code_is_rewritten() -> None:
    assert rewrite("move-input", candidate("y = model(x)", path="/venv/lib/python3.11/site-packages/pkg/m.py")) is None
