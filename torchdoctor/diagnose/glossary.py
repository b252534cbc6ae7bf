"""The English words of a line in another language, from a table of the terms that failures are told in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Optional

from torchdoctor.diagnose.wording import LETTERS, MAX_LENGTH, MIN_LETTERS, TYPE, Message, english, names_in
from torchdoctor.gpu_tables import rows

FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    "de": frozenset(
        "der die das des dem den ein eine einer nicht ist sind wird wurde wurden kann konnte für mit auf von und oder aber zum im auch keine kein bitte es zu".split()
    ),
    "es": frozenset("el la los las de del un una se es está están en para por con que pero al su fue son debe lo".split()),
    "fr": frozenset("le la les des du de un une est sont pas dans pour par avec que et ou sur au aux été être ne".split()),
    "pt": frozenset("os da das dos um uma não é está são em na para por com que ou mas ao foi de seu o".split()),
    "it": frozenset("il lo la gli le di del della dei un una non è sono nel per con che ma al alla si ci impossibile".split()),
    "tr": frozenset("bir ve için ile bu da de olarak değil yok var ancak kadar".split()),
    "vi": frozenset("với của và không được cho trên là một để các đã có trong bởi hết".split()),
}
"""Words by which a language in Latin letters is known."""
COMPOUNDING = ("de",)
"""Languages that write several terms as one word."""
OTHER_SCRIPTS = ("zh", "hi", "ja", "ru", "ko")
MIN_FUNCTION_WORDS = 2
MIN_TERMS = 2
"""Terms of a language in Latin letters that a line must hold to be told by them alone."""
_APART = re.compile(r"[^\w'-]+")
_SCRIPTS = {
    "zh": re.compile(r"[\u3400-\u9fff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
}
_TYPES = (
    (
        "RuntimeError",
        re.compile(
            r"^\s*(?:运行时错误|執行階段錯誤|ランタイム ?エラー|실행 오류|런타임 ?오류|Laufzeitfehler|Ошибка (?:времени )?выполнения|Error (?:de|en) tiempo de ejecución|Erreur d'exécution|Erro de (?:tempo de )?execução|रनटाइम त्रुटि)\s*[:：]\s*",
            re.IGNORECASE,
        ),
    ),
    (
        "ValueError",
        re.compile(
            r"^\s*(?:值错误|数值错误|値エラー|값 ?오류|Wertfehler|Ошибка значения|Error de valor|Erreur de valeur|Erro de valor|मान त्रुटि)\s*[:：]\s*",
            re.IGNORECASE,
        ),
    ),
    (
        "ImportError",
        re.compile(
            r"^\s*(?:导入错误|インポート ?エラー|가져오기 ?오류|Importfehler|Ошибка импорта|Error de importación|Erreur d'importation|Erro de importação)\s*[:：]\s*",
            re.IGNORECASE,
        ),
    ),
    (
        "TypeError",
        re.compile(
            r"^\s*(?:类型错误|型エラー|타입 ?오류|유형 ?오류|Typfehler|Ошибка типа|Error de tipo|Erreur de type|Erro de tipo)\s*[:：]\s*",
            re.IGNORECASE,
        ),
    ),
    (
        "AssertionError",
        re.compile(
            r"^\s*(?:断言错误|アサーション ?エラー|어설션 ?오류|Assertionsfehler|Ошибка утверждения|Error de aserción|Erreur d'assertion|Erro de asserção)\s*[:：]\s*",
            re.IGNORECASE,
        ),
    ),
    ("OSError", re.compile(r"^\s*(?:操作系统错误|OS ?错误|OS ?エラー|OS ?오류|OS-Fehler)\s*[:：]\s*", re.IGNORECASE)),
)
"""Names of exceptions that were translated too."""


def foreign(text: str) -> Optional[Message]:
    """A line in another language; None for one that is in English, or in words that the glossary does not have."""
    text = _with_type(text[:MAX_LENGTH])
    message = TYPE.sub("", text)
    said = message.lower()
    if len(LETTERS.findall(said)) >= MIN_LETTERS:
        languages = tuple(language for language, script in _SCRIPTS.items() if script.search(said))
        languages = ("ja",) if "ja" in languages else languages
        terms = set().union(*(_terms(language, said) for language in languages))
        line = english(LETTERS.sub(" ", text))
        names, loans = line.names, line.names
    else:
        language = _latin(said)
        if not language:
            return None
        languages, terms = (language,), _terms(language, said)
        line = english(text)
        names = names_in(text)
        loans = line.words - english(" ".join(FUNCTION_WORDS[language])).words
    if not terms:
        return None
    return Message(line.type, names, frozenset(loans) | english(" ".join(terms)).words, _expected(languages))


def _with_type(text: str) -> str:
    for name, pattern in _TYPES:
        if pattern.match(text):
            return pattern.sub(f"{name}: ", text)
    return text


def _latin(said: str) -> str:
    """The language in Latin letters that a line is in; empty for English."""
    words = set(_APART.sub(" ", said).split())
    known = {language: len(words & own) for language, own in FUNCTION_WORDS.items()}
    likely = max(known, key=lambda language: (known[language], len(_terms(language, said))))
    if known[likely] >= MIN_FUNCTION_WORDS:
        return likely
    terms = {language: len(_terms(language, said)) for language in FUNCTION_WORDS}
    return max(terms, key=lambda language: terms[language]) if max(terms.values()) >= MIN_TERMS else ""


def _terms(language: str, text: str) -> set[str]:
    """The English words for what a line says in this language; words in Latin letters may go on, but begin as the term does."""
    text = " " + _APART.sub(" ", text) if language in FUNCTION_WORDS else text
    if language in COMPOUNDING:
        return {words for words, terms in _table()[language] if any(term in text or (len(term) > 5 and term[1:] in text) for term in terms)}
    return {words for words, terms in _table()[language] if any(term in text for term in terms)}


@cache
def _table() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """For each language the English words and what they are there; a term that is an English word too is left out."""
    table = list(rows("glossary"))
    own = _english()
    start = {language: " " * (language in FUNCTION_WORDS) for language in (*FUNCTION_WORDS, *OTHER_SCRIPTS)}
    return {
        language: [(row["english"], tuple(begin + term for term in row[language].split("|") if term and term not in own)) for row in table]
        for language, begin in start.items()
    }


@cache
def _english() -> frozenset[str]:
    """The English words of the table."""
    return frozenset(word for row in rows("glossary") for word in row["english"].split())


@cache
def _expected(languages: tuple[str, ...]) -> frozenset[str]:
    """The English words that the table has a term for in one of these languages."""
    return english(" ".join(words for language in languages for words, terms in _table()[language] if terms)).words
