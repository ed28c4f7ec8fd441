"""What stages may ask of batch systems: what the deployment lets all do, and what is an experiment's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.findings import Finding
from domain.names import VARIABLE, check_form
from domain.setup.batch_options import WORD, BatchOptions, is_ours

ATTRIBUTES = ("WantGlidein", "DESIRED_Sites", "DESIRED_Usage_Model", "Custom_*")
"""Attributes of HTCondor that nothing but a site's own policy reads."""
MOST_ALLOWED = 100
CONTAINERS = ("docker://", "oras://", "/cvmfs/")
"""How images begin: none lies on a machine of ours, from which it would be carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAllowance:
    """What an experiment may name at one batch system; the first of each is for stages that name none."""

    partitions: Sequence[str] = ()
    accounts: Sequence[str] = ()
    qos: Sequence[str] = ()
    accounting_group: str = ""
    """Of HTCondor: on whose account the experiment's jobs go; empty: the pool's default."""

    def wrong(self) -> tuple[str, str] | None:
        """The field in which something is wrong, and what; or nothing."""
        for field_, given in (
            ("partitions", self.partitions),
            ("accounts", self.accounts),
            ("qos", self.qos),
            ("accountingGroup", [self.accounting_group] if self.accounting_group else []),
        ):
            if len(given) > MOST_ALLOWED:
                return field_, f"At most {MOST_ALLOWED} are kept here, these are {len(given)}."
            for each in given:
                if said := check_form(each, WORD, "long"):
                    return field_, said
        return None

    def fill(self, options: BatchOptions) -> BatchOptions:
        """The options of a stage with what it names none of."""
        return replace(
            options,
            account=options.account or next(iter(self.accounts), ""),
            partition=options.partition or next(iter(self.partitions), ""),
            qos=options.qos or next(iter(self.qos), ""),
        )


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """What a deployment lets all experiments ask; a name ending in `*` is a beginning."""

    attributes: Sequence[str] = ATTRIBUTES
    containers: Sequence[str] = CONTAINERS

    @classmethod
    def of(cls, attributes: str | None, containers: str | None) -> "BatchPolicy":
        """As a deployment's settings say it, with commas; None: the defaults. Raises ValueError."""
        listed = ATTRIBUTES if attributes is None else _split_list(attributes)
        for each in listed:
            beginning = each.removesuffix("*")
            if not VARIABLE.fullmatch(beginning) or is_ours(beginning):
                raise ValueError(
                    f"POMS_HTCONDOR_ATTRIBUTES can't have {each!r}: HTCondor or the launch goes by it."
                )
        return cls(listed, CONTAINERS if containers is None else _split_list(containers))

    def allows_attribute(self, name: str) -> bool:
        """Whether jobs may carry it; never what the launch or HTCondor itself goes by."""
        return not is_ours(name) and any(_match_name(name, each) for each in self.attributes)

    def allows_container(self, image: str) -> bool:
        """Whether jobs may run in it."""
        return image.startswith(tuple(self.containers)) and ".." not in image


def _split_list(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _match_name(name: str, wanted: str) -> bool:
    # Names of attributes are the same in small letters.
    name, wanted = name.lower(), wanted.lower()
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What an experiment's stages may ask."""

    policy: BatchPolicy = field(default_factory=BatchPolicy)
    allowances: Mapping[str, BatchAllowance] = field(default_factory=dict)
    """By batch system."""
    systems: Sequence[str] = ()
    """Those that workers know; none: no worker has ever run, and nothing is known of any."""

    def check_system(self, at: str, name: str) -> Iterator[Finding]:
        """That a batch system is there."""
        if self.systems and name not in self.systems:
            there = ", ".join(self.systems)
            yield Finding(at, f"There is no batch system {name[:100]!r} here, only {there}.")

    def problems(self, at: str, batch_system: str, options: BatchOptions) -> Iterator[Finding]:
        """Everything that the options ask and may not."""
        for n, (name, _) in enumerate(options.attributes):
            if not self.policy.allows_attribute(name):
                known = ", ".join(self.policy.attributes)
                said = f"{name[:100]} is not among the attributes that may be set here: {known}."
                yield Finding(f"{at}.attributes[{n}].name", said)
        if options.container and not self.policy.allows_container(options.container):
            said = f"An image begins with one of {', '.join(self.policy.containers)}."
            yield Finding(f"{at}.container", said)
        allowance = self.allowances.get(batch_system, BatchAllowance())
        for name, given, allowed in (
            ("partition", options.partition, allowance.partitions),
            ("account", options.account, allowance.accounts),
            ("qos", options.qos, allowance.qos),
        ):
            if wrong := [each for each in given.split(",") if each and each not in allowed]:
                said = f"No service admin lets the experiment use {name} {wrong[0][:100]}"
                yield Finding(f"{at}.{name}", f"{said} at {batch_system}.")
