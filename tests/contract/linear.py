"""Whether a pattern can be searched in linear time, judged by its parse tree; and the text that is worst for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

try:
    from re import _constants as constants
    from re import _parser as parser
except ImportError:  # Python 3.10
    import sre_constants as constants  # type: ignore[no-redef]
    import sre_parse as parser  # type: ignore[no-redef]

REPEATS = {
    constants.MAX_REPEAT,
    constants.MIN_REPEAT,
    *({constants.POSSESSIVE_REPEAT} if hasattr(constants, "POSSESSIVE_REPEAT") else set()),
}
ALPHABET = [chr(code) for code in range(32, 127)] + ["é", "中"]


def parsed(pattern: str) -> Any:
    """The parse tree of Python's own parser."""
    return parser.parse(pattern, re.IGNORECASE)


def literals(tree: Any) -> Iterator[str]:
    """The runs of literals at the top level of the tree: every match holds each."""
    run = ""
    for operator, argument in tree:
        if operator is constants.LITERAL:
            run += chr(argument)
            continue
        if operator is constants.AT:
            yield run
            run = ""
            continue
        if operator in REPEATS and argument[0] >= 1 and len(argument[2]) == 1 and argument[2][0][0] is constants.LITERAL:
            char = chr(argument[2][0][1])
            yield run + char
            run = char
            continue
        yield run
        run = ""
        if operator is constants.SUBPATTERN:
            yield from literals(argument[-1])
        elif operator in REPEATS and argument[0] >= 1:
            yield from literals(argument[2])
    yield run


def wild_repeats(tree: Any) -> Iterator[str]:
    """Unbounded repetitions of a dot: what a pattern must not hold."""
    for operator, argument in walk(tree):
        if operator in REPEATS and argument[1] is constants.MAXREPEAT and any(op is constants.ANY for op, _ in walk(argument[2])):
            yield "an unbounded repetition of a wildcard"


def walk(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every node of the tree."""
    for operator, argument in tree:
        yield operator, argument
        for child in children(operator, argument):
            yield from walk(child)


def children(operator: Any, argument: Any) -> list[Any]:
    """The sub-trees of one node."""
    if operator in REPEATS:
        return [argument[2]]
    if operator is constants.SUBPATTERN:
        return [argument[-1]]
    if operator is constants.BRANCH:
        return list(argument[1])
    if operator in (constants.ASSERT, constants.ASSERT_NOT):
        return [argument[1]]
    if operator is getattr(constants, "ATOMIC_GROUP", None):
        return [argument]
    return []


def nested_repeats(tree: Any) -> Iterator[str]:
    """Repetitions inside of a repetition where a round has no clear end: exponential or quadratic.

    A round is clear where what follows each inner repetition cannot be taken by that repetition.
    """
    for operator, argument in tree:
        repeated = operator in REPEATS and (argument[1] is constants.MAXREPEAT or argument[1] > 20)
        for child in children(operator, argument):
            if repeated and not _clear_rounds(list(_flat(child))):
                yield "a repetition inside of a repetition"
            else:
                yield from nested_repeats(child)


def _clear_rounds(nodes: list[tuple[Any, Any]]) -> bool:
    """Whether each inner repetition is followed, also from round to round, by something it cannot take."""
    if len(nodes) == 1 and nodes[0][0] not in REPEATS:
        return True
    for index, (operator, argument) in enumerate(nodes):
        if operator not in REPEATS or (argument[1] is not constants.MAXREPEAT and argument[1] <= 20):
            continue
        taken = charset(operator, argument)
        for step in range(1, len(nodes) + 1):
            following, what = nodes[(index + step) % len(nodes)]
            if taken & charset(following, what):
                return False
            if not (following in REPEATS and what[0] == 0):
                break
    return True


def charset(operator: Any, argument: Any) -> set[str]:
    """The characters of a sample alphabet that one node can take."""
    if operator in REPEATS:
        return set().union(*(charset(op, arg) for op, arg in argument[2])) if len(argument[2]) else set()
    if operator in (constants.SUBPATTERN, constants.BRANCH):
        return (
            set().union(*(charset(op, arg) for child in children(operator, argument) for op, arg in child))
            if children(operator, argument)
            else set()
        )
    if operator is constants.LITERAL:
        return {chr(argument).lower(), chr(argument).upper()}
    if operator is constants.NOT_LITERAL:
        return set(ALPHABET) - {chr(argument)}
    if operator is constants.ANY:
        return set(ALPHABET)
    if operator is constants.IN:
        found: set[str] = set()
        negated = False
        for kind, value in argument:
            if kind is constants.NEGATE:
                negated = True
            elif kind is constants.LITERAL:
                found |= {chr(value).lower(), chr(value).upper()}
            elif kind is constants.RANGE:
                found |= {c for c in ALPHABET if value[0] <= ord(c) <= value[1] or value[0] <= ord(c.swapcase()[0]) <= value[1]}
            elif kind is constants.CATEGORY:
                found |= {c for c in ALPHABET if _in_category(value, c)}
        return set(ALPHABET) - found if negated else found
    return set()


def _in_category(category: Any, char: str) -> bool:
    name = str(category).rsplit("_", 1)[-1].lower()
    inverse = "_NOT_" in str(category)
    is_in = {"digit": char.isdigit(), "space": char.isspace(), "word": char.isalnum() or char == "_"}[name]
    return is_in is not inverse


def adjacent_repeats(tree: Any) -> Iterator[str]:
    """Two unbounded repetitions beside each other that can take the same characters: quadratic."""
    previous: set[str] = set()
    for operator, argument in _flat(tree):
        if operator in REPEATS:
            taken = charset(operator, argument)
            if argument[1] is constants.MAXREPEAT:
                if previous & taken:
                    yield "two repetitions beside each other that can take the same characters"
                previous = taken
            elif argument[0] > 0:
                previous = previous & taken
        elif operator is constants.BRANCH:
            previous = set()  # words between: what is left is bounded when the pattern is compiled
        elif operator is not constants.AT and operator not in (constants.ASSERT, constants.ASSERT_NOT):
            previous = previous & charset(operator, argument) if charset(operator, argument) >= previous and previous else set()
    for operator, argument in walk(tree):
        for child in children(operator, argument):
            if operator is not constants.SUBPATTERN:
                yield from adjacent_repeats(child)


def _flat(tree: Any) -> Iterator[tuple[Any, Any]]:
    for operator, argument in tree:
        if operator is constants.SUBPATTERN:
            yield from _flat(argument[-1])
        else:
            yield operator, argument


def faults(pattern: str) -> list[str]:
    """Why the pattern might take more than linear time."""
    tree = parsed(pattern)
    return [*wild_repeats(tree), *nested_repeats(tree), *adjacent_repeats(tree)]


def sample(tree: Any, times: int = 1) -> str:
    """A short text that the tree matches (look-arounds ignored)."""
    text = ""
    for operator, argument in tree:
        if operator in REPEATS:
            text += sample(argument[2]) * max(argument[0], min(times, 4 if argument[1] is constants.MAXREPEAT else argument[1]))
        elif operator is constants.SUBPATTERN:
            text += sample(argument[-1], times)
        elif operator is constants.BRANCH:
            text += sample(argument[1][0], times)
        elif operator not in (constants.AT, constants.ASSERT, constants.ASSERT_NOT):
            options = charset(operator, argument)
            text += next((c for c in "a1 .-" if c in options), None) or min(options, default="")
    return text


def worst_units(pattern: str) -> list[str]:
    """Texts whose repetition is worst for the pattern: all of it but the end, and each beginning of it."""
    tree = parsed(pattern)
    whole = sample(tree)
    nodes = list(_flat(tree))
    beginnings = [sample(nodes[:index], times=3) for index in range(1, len(nodes)) if nodes[index - 1][0] in REPEATS]
    return [unit for unit in dict.fromkeys([whole[:-1], whole[: len(whole) // 2], *beginnings]) if unit]


def widest(pattern: str) -> int:
    """The most characters that a match can have."""
    return int(parsed(pattern).getwidth()[1])
