"""What a stage may ask of its batch system beyond resources: each system takes what it knows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.expressions import check_expression
from domain.findings import Finding, check_duplicates, check_length, make_finding
from domain.names import VARIABLE, check_form

MOST_ATTRIBUTES = 50
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,99}")
WORDS = re.compile(rf"{WORD.pattern}(,{WORD.pattern}){{0,19}}")
IMAGE = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._:/@+~-]{0,499}")

OURS = frozenset((
    "args", "arguments", "clusterid", "cmd", "coresize", "deferraltime", "dockerimage", "err", "executable", "in",
    "iwd", "killsig", "leavejobinqueue", "nextjobstartdelay", "niceuser", "out", "owner", "procid", "rank",
    "requirements", "rootdir", "shouldtransferfiles", "singularityimage", "universe", "user", "wantcontainer",
    "wantdocker", "whentotransferoutput", "exitstatus", "globaljobid", "qdate", "numshadowstarts",
    "completiondate", "myaddress", "mytype", "targettype",
))  # fmt: skip
"""Attributes of HTCondor that decide what a launch is, whose, or what happens to it, in small letters."""
OUR_BEGINNINGS = (
    "poms_", "periodic", "onexit", "allowed", "request", "transfer", "x509", "jobmaterialize", "job", "acct",
    "accounting", "concurrency", "container", "cron", "dag", "docker", "ec2", "email", "encrypt", "env", "gce",
    "grid", "hold", "hook", "keep", "keystore", "last", "log", "max", "noop", "notif", "notify", "nt", "oauth",
    "output", "preserve", "public", "release", "remote", "remove", "sched", "starter", "stream", "submit", "time",
    "tool", "ulog", "userlog", "userprio", "vm_", "wantcheckpoint", "wantgrace", "wantremote", "want_ssh",
    "machineattr",
)  # fmt: skip
"""How others of them begin: they stay refused whatever a deployment allows."""


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


def check_batch_options(at: str, options: BatchOptions) -> Iterator[Finding]:
    """Everything that is wrong with them."""
    if options.requirements:
        yield from make_finding(f"{at}.requirements", check_expression(options.requirements))
    yield from _check_attributes(f"{at}.attributes", options.attributes)
    for name, value, form, example in (
        ("container", options.container, IMAGE, "docker://registry/image:tag"),
        ("partition", options.partition, WORDS, "long"),
        ("account", options.account, WORD, "dune"),
        ("qos", options.qos, WORD, "normal"),
    ):
        if value:
            yield from make_finding(f"{at}.{name}", check_form(value, form, example))


def _check_attributes(at: str, attributes: Sequence[Sequence[str]]) -> Iterator[Finding]:
    yield from check_length(at, attributes, MOST_ATTRIBUTES)
    kept = attributes[:MOST_ATTRIBUTES]
    yield from check_duplicates(f"{at}[{{}}].name", (name.lower() for name, _ in kept))
    for n, (name, expression) in enumerate(kept):
        said = check_form(name, VARIABLE, "WantGlidein")
        if not said and is_ours(name):
            said = f"{name} is decided by the launch itself."
        yield from make_finding(f"{at}[{n}].name", said)
        yield from make_finding(f"{at}[{n}].value", check_expression(expression, constant=True))


def is_ours(name: str) -> bool:
    """Whether an attribute is the launch's own, not to be set by a stage."""
    return name.lower() in OURS or name.lower().startswith(OUR_BEGINNINGS)
