"""ClassAd expressions as stages may write them: a grammar that reaches nothing but what it names."""

import re
from collections.abc import Sequence

from domain.names import check_text

MOST_LENGTH, MOST_TOKENS, MOST_DEPTH = 2_000, 300, 20
FUNCTIONS = frozenset({
    "ifthenelse", "isundefined", "regexp", "stringlistimember", "stringlistmember", "tolower", "toupper",
    "versioneq", "versionge", "versiongt", "versionle", "versionlt",
})  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<text>"[^"\\$\x00-\x1f\x7f]{0,500}")|(?P<number>\d{1,18}(?:\.\d{1,18})?)"""
    r"|(?P<name>(?:target\.)?[a-z_][a-z0-9_]{0,99})|(?P<operator>=\?=|=!=|==|!=|<=|>=|&&|\|\||[!<>+*/%(),-])",
    re.ASCII | re.IGNORECASE,
)
_BETWEEN = frozenset(
    {"=?=", "=!=", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "*", "/", "%", "-"}
)
_CONSTANTS = frozenset({"true", "false", "undefined"})
_EXAMPLE = 'HasSingularity && OpSysMajorVer >= 9, or "a text"'


class _NotInGrammarError(Exception):
    """The text says what of it can't be read."""


def check_expression(text: str, *, constant: bool = False) -> str | None:
    """What is wrong with an expression, or nothing. A constant one names no attributes.

    Not in the grammar: other scopes than TARGET, `$` (which a submit description expands), comments, backslashes,
    records and lists, and functions that aren't in FUNCTIONS.
    """
    if said := check_text(text, MOST_LENGTH):
        return said
    try:
        _TokenReader(_split_tokens(text), constant=constant).read()
    except _NotInGrammarError as error:
        return f"{error} An expression is one line, like {_EXAMPLE}."
    return None


def _split_tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip(" "):
        at += len(text[at:]) - len(text[at:].lstrip(" "))
        token = _TOKEN.match(text, at)
        if token is None:
            raise _NotInGrammarError(f"It can't go on with {text[at : at + 20]!r}.")
        found.append((str(token.lastgroup), token[0]))
        at = token.end()
        if len(found) > MOST_TOKENS:
            raise _NotInGrammarError("It is too long.")
    return found


class _TokenReader:
    """Reads tokens from left to right: whether they are an expression, not what it is worth."""

    def __init__(self, tokens: Sequence[tuple[str, str]], *, constant: bool) -> None:
        self._tokens, self._constant, self._at, self._depth = tokens, constant, 0, 0

    def read(self) -> None:
        """Read them all."""
        self._expression()
        if self._at < len(self._tokens):
            raise _NotInGrammarError(f"It can't go on with {self._next[1][:20]!r}.")

    @property
    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _is_next(self, *operators: str) -> bool:
        kind, text = self._next
        return kind == "operator" and text in operators

    def _take(self, *operators: str) -> bool:
        if self._is_next(*operators):
            self._at += 1
            return True
        return False

    def _expression(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _NotInGrammarError("Its brackets are nested too deeply.")
        self._term()
        while self._take(*_BETWEEN):
            self._term()
        self._depth -= 1

    def _term(self) -> None:
        while self._take("!", "-"):
            pass
        kind, text = self._next
        self._at += 1
        if kind == "operator" and text == "(":
            self._expression()
            self._close()
        elif kind == "name":
            self._name(text.lower())
        elif kind not in ("text", "number"):
            raise _NotInGrammarError(
                "It ends too early." if kind == "end" else f"{text} stands where it can't."
            )

    def _name(self, name: str) -> None:
        if self._take("("):
            if name not in FUNCTIONS:
                raise _NotInGrammarError(f"{name}() is not among the functions that may be used.")
            self._expression()
            while self._take(","):
                self._expression()
            self._close()
        elif self._constant and name not in _CONSTANTS:
            raise _NotInGrammarError(f"{name} is another attribute: here stands a value.")

    def _close(self) -> None:
        if not self._take(")"):
            raise _NotInGrammarError("A bracket is not closed.")
