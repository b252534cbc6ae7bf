"""Decisions that differ between operating systems, made for each of them on any."""

from __future__ import annotations

import pytest

from torchdoctor.engine.platforms import ask_for_stack, describe_exit, forks_warm_workers, popen_options


@pytest.mark.parametrize(("platform", "forks"), [("linux", True), ("darwin", False), ("win32", False)])
def test_only_linux_forks_a_process_that_has_torch(platform: str, forks: bool) -> None:
    assert forks_warm_workers(platform) is forks


def test_a_worker_gets_a_group_of_its_own_everywhere() -> None:
    assert popen_options("linux") == popen_options("darwin") == {"start_new_session": True}
    assert popen_options("win32") == {"creationflags": 0x200}


def test_windows_has_no_signal_to_ask_for_a_stack() -> None:
    assert ask_for_stack(1, "win32") is False


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exit code 0"),
        (7, "exit code 7"),
        (-11, "SIGSEGV"),
        (-250, "signal 250"),
        (0xC0000005, "exception 0xC0000005"),
        (None, "an unknown reason"),
    ],
)
def test_exit_statuses_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words
