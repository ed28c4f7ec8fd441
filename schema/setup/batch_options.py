"""What a stage asks of its batch system besides resources."""

from collections.abc import Mapping
from typing import Any

import strawberry

from domain.setup import batch_options
from door.describe import declare_input_type, declare_object_type


@declare_object_type
class BatchAttribute:
    """An attribute that jobs carry in HTCondor."""

    name: str
    """Its name, for example `WantGlidein`."""
    value: str
    """A ClassAd expression, for example `true` or, with its quotation marks, `"a text"`."""


@declare_input_type
class BatchAttributeInput:
    """An attribute that jobs shall carry in HTCondor."""

    name: str
    """Its name, for example `WantGlidein`; those that the launch decides itself are refused."""
    value: str
    """A ClassAd expression, for example `true` or, with its quotation marks, `"a text"`."""


@declare_object_type
class BatchOptions:
    """What jobs ask of their batch system besides resources; an empty text asks nothing."""

    requirements: str
    """HTCondor: a ClassAd expression that machines must meet."""
    attributes: list[BatchAttribute]
    """HTCondor: what the jobs carry."""
    container: str
    """HTCondor: the image in which they run."""
    partition: str
    """Slurm: the partition, or several with commas."""
    account: str
    """Slurm: the account."""
    qos: str
    """Slurm: the quality of service."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "BatchOptions":
        """Show what is stored."""
        found = batch_options.BatchOptions.of(stored)
        return cls(
            requirements=found.requirements,
            attributes=[BatchAttribute(name=name, value=value) for name, value in found.attributes],
            container=found.container,
            partition=found.partition,
            account=found.account,
            qos=found.qos,
        )


@declare_input_type
class BatchOptionsInput:
    """What jobs ask of their batch system besides resources; each system takes what it knows."""

    requirements: str = ""
    """HTCondor: a ClassAd expression that machines must meet, for example `OpSysMajorVer >= 9`."""
    attributes: list[BatchAttributeInput] = strawberry.field(default_factory=list)
    """HTCondor: what the jobs carry, at most 50."""
    container: str = ""
    """HTCondor: the image in which they run, for example `docker://almalinux:9` or a path."""
    partition: str = ""
    """Slurm: the partition, or several with commas."""
    account: str = ""
    """Slurm: the account."""
    qos: str = ""
    """Slurm: the quality of service."""

    @property
    def plain(self) -> dict[str, Any]:
        """As they are stored."""
        return batch_options.BatchOptions(
            requirements=self.requirements,
            attributes=[[each.name, each.value] for each in self.attributes],
            container=self.container,
            partition=self.partition,
            account=self.account,
            qos=self.qos,
        ).stored
