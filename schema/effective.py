"""What a launch of a stage would run with, and where each part of it comes from, as a client sees it."""

from collections.abc import Sequence

from domain.configuration import Ingredients, keywords_of
from domain.parameters import Effective, Layer, Origin, UnknownKeyword, command, effective
from door.describe import choice, thing
from schema.parameters import Parameter, shown

choice(Origin)


@thing
class ParameterLayer:
    """Parameters that come from one place; a later layer's win over an earlier one's."""

    origin: Origin
    """Where they come from."""
    parameters: list[Parameter]
    """They, in their order; a key may stand there more than once."""

    @classmethod
    def of(cls, layer: Layer) -> "ParameterLayer":
        """Show one."""
        return cls(origin=layer.origin, parameters=shown(layer.pairs))


@thing
class OverriddenParameter:
    """A value that is not used, because a later layer has another one for the key."""

    value: str
    """The value, before keywords are filled in."""
    origin: Origin
    """Where it comes from."""


@thing
class EffectiveParameter:
    """A parameter that a launch uses."""

    key: str
    """What stands before the value."""
    value: str
    """What stands after the key, before keywords are filled in."""
    origin: Origin
    """Where it comes from."""
    instead_of: list[OverriddenParameter]
    """The key's values that it is used instead of, those of the first layer first."""

    @classmethod
    def of(cls, found: Effective) -> "EffectiveParameter":
        """Show one."""
        return cls(
            key=found.key,
            value=found.value,
            origin=found.origin,
            instead_of=[
                OverriddenParameter(value=o.value, origin=o.origin) for o in found.instead_of
            ],
        )


@thing
class EffectiveParameters:
    """What a launch of a stage would run with now."""

    layers: list[ParameterLayer]
    """In the order in which they are put over each other; a recovery comes twice, so that it wins."""
    parameters: list[EffectiveParameter]
    """What comes of them, as the command has it: a key stays where it stood first."""
    keywords: list[Parameter]
    """What each `%(key)s` stands for."""
    command: list[str] | None
    """The arguments, keywords filled in; null where one has no value."""
    problem: str | None
    """Why there is no command."""

    @classmethod
    def of(cls, of: Ingredients, *, parameter: str | None, person: str) -> "EffectiveParameters":
        """Put the layers over each other, and show it."""
        found = effective(of.layers)
        keywords = keywords_of(of, parameter=parameter, person=person)
        words, problem = _command(of, found, keywords)
        return cls(
            layers=[ParameterLayer.of(layer) for layer in of.layers if layer.pairs],
            parameters=[EffectiveParameter.of(one) for one in found],
            keywords=shown(sorted(keywords.items())),
            command=words,
            problem=problem,
        )


def _command(
    of: Ingredients, found: Sequence[Effective], keywords: dict[str, str]
) -> tuple[list[str] | None, str | None]:
    try:
        return command(of.command, found, keywords), None
    except UnknownKeyword as error:
        return None, str(error)
