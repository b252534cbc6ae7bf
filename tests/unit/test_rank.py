"""Roots before echoes, the specific before the general, what is in the failure's message before what is far above."""

from __future__ import annotations

from torchdoctor.diagnose import rank
from torchdoctor.diagnose.log import Event, Frame, Line, Log, Stream, make_stream
from torchdoctor.diagnose.match import MAX_HITS, match
from torchdoctor.diagnose.place import MESSAGE, OUTSIDE, SOURCE, WITHIN, place_of, situation_at
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Cause, Sign, Strength

STRONG, FAIR, WEAK = Strength.STRONG, Strength.FAIR, Strength.WEAK


def cause(slug: str, *signs: str, strength: Strength = STRONG, **more: object) -> Cause:
    return Cause(slug, slug, "why", tuple(Sign(sign, strength) for sign in signs), (), **more)  # type: ignore[arg-type]


def stream(*texts: str, events: tuple[Event, ...] = (), number: int | None = None) -> Stream:
    return make_stream(tuple(Line("-", i, text) for i, text in enumerate(texts, 1)), events, rank=number)


def error(index: int, message: str, first: int | None = None, frames: tuple[Frame, ...] = (), kind: str = "RuntimeError") -> Event:
    return Event("exception", kind, message, index if first is None else first, index, frames)


def ranked(causes: list[Cause], *streams: Stream) -> list[rank.Found]:
    log = Log(streams)
    return rank.order(match(log, causes, Situation()), log)


def slugs(found: list[rank.Found]) -> list[str]:
    return [one.cause.slug for one in found]


def test_a_consequence_sinks_under_a_root_wherever_it_stands() -> None:
    causes = [cause("launcher", "child failed", consequence=True), cause("memory", "out of memory", strength=FAIR)]
    found = ranked(causes, stream("child failed", "out of memory", events=(error(0, "x"), error(1, "x"))))
    assert slugs(found) == ["memory"]
    assert slugs(found[0].explains) == ["launcher"]


def test_a_consequence_alone_is_the_answer() -> None:
    found = ranked([cause("launcher", "child failed", consequence=True)], stream("child failed", events=(error(0, "x"),)))
    assert slugs(found) == ["launcher"]


def test_what_a_root_explains_is_listed_under_it_also_over_two_steps() -> None:
    causes = [
        cause("reset", "connection reset"),
        cause("watchdog", "watchdog abort", explains=("reset",)),
        cause("memory", "out of memory", explains=("watchdog",)),
    ]
    found = ranked(causes, stream("connection reset", "watchdog abort", "out of memory"))
    assert slugs(found) == ["memory"]
    assert sorted(slugs(found[0].explains)) == ["reset", "watchdog"]
    assert found[0].decided


def test_causes_that_explain_each_other_leave_one_root() -> None:
    causes = [cause("one", "first thing", explains=("two",)), cause("two", "second thing", explains=("one",))]
    found = ranked(causes, stream("first thing", "second thing"))
    assert len(found) == 1
    assert len(found[0].explains) == 1


def test_a_weak_hint_explains_no_strong_root_away() -> None:
    causes = [cause("hint", "some hint", strength=WEAK, explains=("root",)), cause("root", "real root")]
    assert slugs(ranked(causes, stream("some hint", "real root", events=(error(1, "real root"),))))[0] == "root"


def test_the_specific_replaces_the_general() -> None:
    causes = [cause("general", "device error"), cause("special", "device error on cpu", refines=("general",))]
    assert slugs(ranked(causes, stream("device error on cpu"))) == ["special"]


def test_a_weak_refinement_leaves_a_strong_general() -> None:
    causes = [cause("general", "device error"), cause("special", "device error", strength=WEAK, refines=("general",))]
    assert slugs(ranked(causes, stream("device error", events=(error(0, "device error"),))))[0] == "general"


def test_the_failures_own_message_beats_a_warning_above() -> None:
    causes = [cause("warned", "old driver warning"), cause("failed", "shapes differ")]
    found = ranked(causes, stream("old driver warning", "epoch 1", "RuntimeError: shapes differ", events=(error(2, "shapes differ"),)))
    assert slugs(found) == ["failed", "warned"]
    assert found[0].decided


def test_between_equals_the_earliest_failure() -> None:
    causes = [cause("later", "later thing"), cause("sooner", "sooner thing")]
    found = ranked(causes, stream("sooner thing", "later thing"))
    assert slugs(found) == ["sooner", "later"]
    assert found[0].decided == "the earliest failure"


def test_a_weak_sign_needs_a_failure_in_the_text() -> None:
    causes = [cause("hint", "some hint", strength=WEAK)]
    assert ranked(causes, stream("some hint")) == []
    assert slugs(ranked(causes, stream("some hint", "KeyError: 1", events=(error(1, "1", kind="KeyError"),)))) == ["hint"]


def test_ranks_with_the_same_cause_are_one_answer() -> None:
    found = ranked([cause("memory", "out of memory")], *(stream("x", "out of memory", number=number) for number in range(4)))
    assert slugs(found) == ["memory"]
    assert [candidate.stream.rank for candidate in found[0].candidates] == [0, 1, 2, 3]


def test_source_code_in_the_text_is_no_failure() -> None:
    causes = [cause("quoted", "no files found"), cause("failed", "shapes differ")]
    shown = stream('assert files, "no files found"', "x", "y", "RuntimeError: shapes differ", events=(error(3, "shapes differ"),))
    assert slugs(ranked(causes, shown)) == ["failed"]


def test_a_code_line_right_above_its_exception_counts() -> None:
    shown = stream('assert files, "no files found"', "AssertionError", events=(error(1, "", kind="AssertionError"),))
    assert slugs(ranked([cause("quoted", "no files found")], shown)) == ["quoted"]


def test_an_echo_goes_to_the_failure_above_it() -> None:
    causes = [cause("launcher", "child failed", consequence=True), cause("first", "first root"), cause("second", "second root")]
    found = ranked(causes, stream("first root", "child failed", "second root"))
    assert {one.cause.slug: slugs(one.explains) for one in found} == {"first": ["launcher"], "second": []}


def test_places() -> None:
    frames = (Frame("/a.py", 1, "f", "frame code"),)
    shown = stream(
        "a warning", "Traceback", "frame code", "RuntimeError: the message", "raise X", events=(error(3, "the message", 1, frames),)
    )
    by_text = {
        candidate.cause.slug: place_of(shown, candidate.hits[0])
        for candidate in match(Log((shown,)), [cause(t, t) for t in ("a warning", "frame code", "the message", "raise X")], Situation())
    }
    assert by_text == {"a warning": OUTSIDE, "frame code": WITHIN, "the message": MESSAGE, "raise X": SOURCE}


def test_conditions_of_signs_look_only_near_where_told() -> None:
    near = Cause("near", "t", "w", (Sign("device error", also=("on cpu",), near=20),), ())
    far = Cause("far", "t", "w", (Sign("device error", also=("on cpu",)),), ())
    never = Cause("never", "t", "w", (Sign("device error", unless=("on cpu",)),), ())
    text = stream("device error", "x" * 200, "on cpu")
    assert [candidate.cause.slug for candidate in match(Log((text,)), [near, far, never], Situation())] == ["far"]


def test_matches_are_bounded() -> None:
    (found,) = match(Log((stream(*["out of memory"] * 5000),)), [cause("memory", "out of memory")], Situation())
    assert len(found.hits) == MAX_HITS


def test_the_system_is_that_of_the_failures_own_paths() -> None:
    frames = (Frame("/Users/me/run.py", 1, "f", "x"),)
    shown = stream("Traceback", "RuntimeError: the message", events=(error(1, "the message", 0, frames),))
    (found,) = match(Log((shown,)), [cause("c", "the message")], Situation())
    here = Situation(os="linux", driver="570.1", sources={"os": "machine", "driver": "machine"})
    assert situation_at(found, here) == Situation(os="macos", sources={"os": "text"})
    told = Situation(os="linux", sources={"os": "report"})
    assert situation_at(found, told) == told


def test_a_warning_does_not_stand_for_what_ended_the_program() -> None:
    causes = [cause("warned", "inputs have no grad", strength=FAIR), cause("peer", "connection reset", consequence=True)]
    shown = stream("m.py:3: UserWarning: inputs have no grad", "x", "connection reset", events=(error(2, "connection reset"),))
    found = ranked(causes, shown)
    assert slugs(found)[0] == "peer"
    assert slugs(ranked(causes[:1], shown)) == ["warned"]


def test_a_launchers_summary_is_the_last_of_echoes() -> None:
    causes = [
        cause("torchrun-child-failed", "child failed", consequence=True),
        cause("ninja", "build stopped", strength=FAIR, consequence=True),
    ]
    found = ranked(causes, stream("build stopped", "child failed"))
    assert slugs(found) == ["ninja"]
    assert slugs(found[0].explains) == ["torchrun-child-failed"]


def test_many_ranks_are_searched_as_few_are() -> None:
    causes = [cause("wrapped", "ran out of device memory"), cause("numbered", "sm_61 is not compatible"), cause("absent", "never written")]
    streams = [stream(f"step {n}", "it ran out of", "device memory", "GPU sm_61 is not", "compatible", number=n) for n in range(40)]
    found = {(candidate.cause.slug, candidate.stream.rank) for candidate in match(Log(tuple(streams)), causes, Situation())}
    assert found == {(slug, n) for slug in ("wrapped", "numbered") for n in range(40)}


def test_a_literal_is_found_wherever_it_stands_in_a_long_text() -> None:
    far = "x " * 30_000
    (found,) = match(Log((stream(f"{far}first token here {far}first token here"),)), [cause("c", r"first \w+ here")], Situation())
    assert [hit.end - hit.start for hit in found.hits] == [16, 16]


def test_details_for_debugging_alone_tell_no_failure() -> None:
    causes = [cause("compile", "cannot trace")]
    assert slugs(ranked(causes, stream("Unsupported: cannot trace this"))) == ["compile"]
    assert not ranked(causes, stream("V0812 15:05:52.194000 77 torch/_dynamo/symbolic_convert.py:556] cannot trace this", "epoch 1 done"))


def test_information_alone_needs_a_strong_sign() -> None:
    line = "n0:12:34 [0] NCCL INFO Could not enable P2P between dev 1 and dev 0"
    assert not ranked([cause("p2p", "Could not enable P2P", strength=FAIR)], stream(line, "epoch 1 done"))
    assert slugs(ranked([cause("p2p", "Could not enable P2P")], stream(line))) == ["p2p"]


def test_a_mild_warning_alone_tells_no_failure() -> None:
    line = "functional.py:4001: UserWarning: this operator is not supported on that backend and will run elsewhere"
    assert not ranked([cause("backend", "not supported on that backend", strength=FAIR)], stream(line, "saved"))
    assert slugs(ranked([cause("backend", "not supported on that backend")], stream(line))) == ["backend"]


def test_information_is_no_root_beside_a_failure() -> None:
    causes = [cause("p2p", "Could not enable P2P", strength=FAIR), cause("memory", "out of memory", strength=WEAK)]
    found = ranked(causes, stream("n0:1:2 [0] NCCL INFO Could not enable P2P", "out of memory", events=(error(1, "out of memory"),)))
    assert slugs(found)[0] == "memory"


def test_a_convolution_plan_that_was_passed_over_tells_no_failure() -> None:
    line = "graph.py:744: UserWarning: Plan failed with an OutOfMemoryError: CUDA out of memory. Tried to allocate 1.28 GiB."
    assert not ranked([cause("memory", "CUDA out of memory")], stream(line, "epoch 2"))
