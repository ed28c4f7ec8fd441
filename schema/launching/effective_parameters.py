"""What a launch of a stage would run with, and where each part of it comes from, as a client sees it."""

from domain.setup.parameters import (
    CommandError,
    ParameterOrigin,
    ParameterPairs,
    ResolvedParameter,
    resolve_layers,
)
from domain.submissions.configuration import ConfigurationSources, build_command
from door.describe import declare_enum_type, declare_object_type
from schema.setup.parameters import Parameter, show_pairs

declare_enum_type(ParameterOrigin)


@declare_object_type
class ParameterLayer:
    """Parameters that come from one place; a later layer's win over an earlier one's."""

    origin: ParameterOrigin
    """Where they come from."""
    parameters: list[Parameter]
    """They, in their order; of a key that stands there more than once the last value is used."""

    @classmethod
    def of(cls, layer: ParameterPairs) -> "ParameterLayer":
        """Show one."""
        return cls(origin=layer.origin, parameters=show_pairs(layer.pairs))


@declare_object_type
class OverriddenParameter:
    """A value that is not used, because a later one is there for the key."""

    value: str
    """The value, before keywords are filled in."""
    origin: ParameterOrigin
    """Where it comes from."""


@declare_object_type
class EffectiveParameter:
    """A parameter that a launch uses."""

    key: str
    """What stands before the value."""
    value: str
    """What stands after the key, before keywords are filled in."""
    origin: ParameterOrigin
    """Where it comes from."""
    instead_of: list[OverriddenParameter]
    """The key's values that it is used instead of, those of the first layer first."""

    @classmethod
    def of(cls, found: ResolvedParameter) -> "EffectiveParameter":
        """Show one."""
        return cls(
            key=found.key,
            value=found.value,
            origin=found.origin,
            instead_of=[
                OverriddenParameter(value=o.value, origin=o.origin) for o in found.instead_of
            ],
        )


@declare_object_type
class EffectiveParameters:
    """What a launch of a stage would run with now."""

    layers: list[ParameterLayer]
    """In the order in which they are put over each other; a recovery comes twice, so that it wins."""
    parameters: list[EffectiveParameter]
    """What comes of them, as the command has it: a key stays where it stood first."""
    keywords: list[Parameter]
    """What each `%(key)s` stands for."""
    command: list[str] | None
    """The arguments, keywords filled in; null where that can't be done."""
    problem: str | None
    """Why there is no command."""

    @classmethod
    def of(cls, of: ConfigurationSources, keywords: dict[str, str]) -> "EffectiveParameters":
        """Put the layers over each other, and show it."""
        found = resolve_layers(of.layers)
        words, problem = _build_preview_command(of, keywords)
        return cls(
            layers=[ParameterLayer.of(layer) for layer in of.layers if layer.pairs],
            parameters=[EffectiveParameter.of(one) for one in found],
            keywords=show_pairs(sorted(keywords.items())),
            command=words,
            problem=problem,
        )


def _build_preview_command(
    of: ConfigurationSources, keywords: dict[str, str]
) -> tuple[list[str] | None, str | None]:
    try:
        return build_command(of, keywords), None
    except CommandError as error:
        return None, str(error)
