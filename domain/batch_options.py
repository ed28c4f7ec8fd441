"""What a stage may ask of its batch system beyond resources: each system takes what it knows."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.findings import Finding, bounded, doubled, finding
from domain.names import MOST_WORD, VARIABLE, wrong_form, wrong_text

MOST_ATTRIBUTES = 50
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,99}")
WORDS = re.compile(rf"{WORD.pattern}(,{WORD.pattern}){{0,19}}")
IMAGE = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._:/@+~-]{0,499}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + "|" + r"'(?:[^'\\]|\\.)*'")
_OPENED_BY = {")": "(", "]": "[", "}": "{"}

OURS = frozenset((
    "args", "arguments", "clusterid", "cmd", "containerimage", "dockerimage", "err", "executable", "in", "iwd",
    "jobprio", "jobstatus", "jobuniverse", "leavejobinqueue", "out", "owner", "procid", "requirements",
    "shouldtransferfiles", "universe", "user", "userlog", "wantcontainer", "wantdocker", "whentotransferoutput",
))  # fmt: skip
"""Attributes of HTCondor that the launch itself decides, in small letters."""
OUR_BEGINNINGS = (
    "poms_",
    "periodic",
    "onexit",
    "allowed",
    "request",
    "transfer",
    "x509",
    "jobmaterialize",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """Of HTCondor requirements, attributes and container, of Slurm partition, account and QOS."""

    requirements: str = ""
    """A ClassAd expression that machines must meet."""
    attributes: Sequence[Sequence[str]] = ()
    """Pairs of a ClassAd attribute's name and its expression."""
    container: str = ""
    """The image in which jobs run."""
    partition: str = ""
    """One, or several with commas."""
    account: str = ""
    qos: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "BatchOptions":
        """What is stored, which leaves out what was not asked for."""
        return cls(**stored)

    @property
    def stored(self) -> dict[str, Any]:
        """What is asked for, as a stage and a configuration keep it."""
        return {
            name: [list(pair) for pair in value] if name == "attributes" else value
            for name, value in asdict(self).items()
            if value
        }


def problems(at: str, options: BatchOptions) -> Iterator[Finding]:
    """Everything that is wrong with them."""
    if options.requirements:
        yield from finding(f"{at}.requirements", wrong_expression(options.requirements))
    yield from _attributes(f"{at}.attributes", options.attributes)
    for name, value, form, example in (
        ("container", options.container, IMAGE, "docker://registry/image:tag"),
        ("partition", options.partition, WORDS, "long"),
        ("account", options.account, WORD, "dune"),
        ("qos", options.qos, WORD, "normal"),
    ):
        if value:
            yield from finding(f"{at}.{name}", wrong_form(value, form, example))


def _attributes(at: str, attributes: Sequence[Sequence[str]]) -> Iterator[Finding]:
    yield from bounded(at, attributes, MOST_ATTRIBUTES)
    kept = attributes[:MOST_ATTRIBUTES]
    yield from doubled(f"{at}[{{}}].name", (name.lower() for name, _ in kept))
    for n, (name, expression) in enumerate(kept):
        said = wrong_form(name, VARIABLE, "WantGlidein")
        if not said and is_ours(name):
            said = f"{name} is decided by the launch itself."
        yield from finding(f"{at}[{n}].name", said)
        yield from finding(f"{at}[{n}].value", wrong_expression(expression))


def is_ours(name: str) -> bool:
    """Whether an attribute is the launch's own, not to be set by a stage."""
    return name.lower() in OURS or name.lower().startswith(OUR_BEGINNINGS)


def wrong_expression(text: str) -> str | None:
    """What can be seen to be wrong with a ClassAd expression; HTCondor itself reads it at the launch."""
    if said := wrong_text(text, MOST_WORD):
        return said
    if not text.strip() or any(ord(c) < 32 for c in text):
        return 'An expression is one line, like HasSingularity && OpSysMajorVer >= 9, or "a text".'
    bare = _QUOTED.sub("", text)
    if '"' in bare or "'" in bare:
        return "A quotation mark is not closed."
    return (
        None if _is_balanced(bare) else "A bracket is not closed, or closed without being opened."
    )


def _is_balanced(bare: Collection[str]) -> bool:
    opened: list[str] = []
    for c in bare:
        if c in "([{":
            opened.append(c)
        elif c in _OPENED_BY and (not opened or opened.pop() != _OPENED_BY[c]):
            return False
    return not opened
