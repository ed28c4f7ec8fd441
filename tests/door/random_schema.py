"""Types, random data with random faults, and random queries on them."""

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable, Generator
from enum import Enum, StrEnum
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from graphql import Undefined
from strawberry.permission import BasePermission
from strawberry.scalars import JSON

T = TypeVar("T")


@strawberry.enum
class Color(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.enum
class Level(StrEnum):
    low = "low"
    high = "high"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf:
    s: str
    i: int
    f: float
    b: bool
    id: strawberry.ID
    color: Color
    level: Level
    at: dt.datetime
    blob: JSON
    ms: str | None
    mi: int | None
    mcolor: Color | None
    mat: dt.datetime | None
    mf: float | None
    mblob: JSON | None
    ints: list[int]
    mints: list[int | None] | None
    grid: list[list[float | None]]
    colors: list[Color]


@strawberry.type
class Cat(Named):
    lives: int
    leaf: Leaf


@strawberry.type
class Fish:
    depth: float | None
    leaf: Leaf | None


@strawberry.type
class Dog(Named):
    tricks: list[str]
    friend: Annotated[Cat | Fish, strawberry.union("Friend")] | None

    @strawberry.field
    async def loud(self) -> str:
        await asyncio.sleep(0)
        return self.name.upper()

    @strawberry.field
    def short(self, letters: int = 1) -> str | None:
        return self.name[:letters]

    @strawberry.field
    def leaf_of(self) -> Leaf | None:
        return getattr(self.friend, "leaf", None)


@strawberry.type
class Nameless(Named):
    note: str | None


Pet = Annotated[Cat | Dog | Fish, strawberry.union("Pet")]


class No(BasePermission):
    message = "no"

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return False


@strawberry.type
class Secret:
    open: str
    hidden: str | None = strawberry.field(permission_classes=[No])


@strawberry.type
class Box(Generic[T]):
    content: T
    more: list[T]


@strawberry.type
class Query:
    pets: list[Pet]
    mpets: list[Pet | None] | None
    named: list[Named | None]
    dogs: list[Dog | None]
    leaves: list[Leaf]
    mleaves: list[Leaf | None] | None
    leaf: Leaf | None
    secrets: list[Secret]
    ints: list[int | None]
    box: Box[Leaf] | None
    dog_box: Box[Dog] | None


TYPES = [Cat, Dog, Fish, Nameless]
LEAVES = (
    "s", "i", "f", "b", "id", "color", "level", "at", "blob", "ms", "mi", "mcolor", "mat", "mf",
    "mblob", "ints", "mints", "grid", "colors", "__typename",
)  # fmt: skip


class Lazy:
    """An awaitable that both executions may await."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        async def get() -> Any:
            return self.value

        return get().__await__()


class Duck:
    """Has the attributes, isn't the type."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class RandomData:
    """Random values; a share of them is not what the type says."""

    def __init__(self, dice: random.Random, fault: float) -> None:
        self.dice, self.fault = dice, fault

    def spoil_value(self, good: Any) -> Any:
        if self.dice.random() >= self.fault:
            return good
        wrong: list[Any] = [
            None, Undefined, ValueError("bad"), 2**31, -(2**40), "text", 1.5, float("nan"),
            float("inf"), True, [], {}, object, Color.RED, "red", "low", Lazy(good), b"x",
            self.when(), strawberry.UNSET, (1, 2), {1, 2},
        ]  # fmt: skip
        return self.dice.choice(wrong)

    def nullable(self, good: Any) -> Any:
        return None if self.dice.random() < 0.3 else self.spoil_value(good)

    def when(self) -> dt.datetime:
        zone = self.dice.choice([None, dt.UTC])
        return dt.datetime(2026, self.dice.randint(1, 12), 3, 4, 5, 7, tzinfo=zone)

    def attributes(self) -> dict[str, Any]:
        odd, nullable, dice = self.spoil_value, self.nullable, self.dice
        return {
            "s": odd('é"x'), "i": odd(dice.choice([0, 2**31 - 1, -(2**31), 7])),
            "f": odd(dice.choice([1.5, 2, -0.0])), "b": odd(dice.choice([True, False])),
            "id": odd(dice.choice(["a:1", 7])), "color": odd(dice.choice(list(Color))),
            "level": odd(dice.choice(list(Level))), "at": odd(self.when()),
            "blob": odd({"k": [1, None]}), "ms": nullable("z"), "mi": nullable(3),
            "mcolor": nullable(Color.BLUE), "mat": nullable(self.when()), "mf": nullable(2.5),
            "mblob": nullable([1]), "ints": odd([odd(n) for n in range(dice.randint(0, 3))]),
            "mints": nullable([nullable(1) for _ in range(2)]),
            "grid": odd([odd([nullable(1.0)]), (nullable(2.0),)]), "colors": odd([odd(Color.RED)]),
        }  # fmt: skip

    def leaf(self) -> Any:
        found = self.attributes()
        made: Any = Leaf(**found)
        if self.dice.random() < self.fault:
            made = self.dice.choice([Duck(**found), None, ValueError("leaf"), Lazy(made), Duck()])
        if self.dice.random() < self.fault and isinstance(made, Leaf):
            del made.__dict__[self.dice.choice(list(made.__dict__))]
        return made

    def leaves(self) -> list[Any]:
        return [self.leaf() for _ in range(self.dice.randint(0, 4))]

    def cat(self) -> Any:
        return Cat(name=self.spoil_value("c"), lives=self.spoil_value(9), leaf=self.leaf())

    def fish(self) -> Any:
        return Fish(depth=self.nullable(3.0), leaf=self.nullable(self.leaf()))

    def dog(self) -> Any:
        duck = Duck(depth=1.0) if self.fault else None
        friend = self.dice.choice([None, self.cat(), self.fish(), duck])
        return Dog(
            name=self.spoil_value("dog"),
            tricks=self.spoil_value([self.spoil_value("sit")]),
            friend=friend,
        )

    def pet(self) -> Any:
        made = self.dice.choice([self.cat, self.dog, self.fish])()
        if self.dice.random() < self.fault:
            return strawberry.cast(Fish, Duck(depth=1.0, leaf=None))
        return made

    def named(self) -> Any:
        note = Nameless(name="y", note=self.nullable("z"))
        return self.dice.choice([self.cat(), Nameless(name="x", note=None), self.nullable(note)])

    def root(self) -> Query:
        pets = [self.spoil_value(self.pet()) for _ in range(self.dice.randint(0, 4))]
        leaves = self.leaves()
        return Query(
            pets=pets, mpets=pets, named=[self.named() for _ in range(3)],
            dogs=[self.nullable(self.dog()) for _ in range(3)], leaves=leaves, mleaves=leaves,
            leaf=self.leaf(), secrets=[Secret(open="a", hidden="b"), Secret(open="c", hidden="d")],
            ints=[self.nullable(4), self.spoil_value(5)],
            box=self.nullable(Box(content=self.leaf(), more=self.leaves())),
            dog_box=self.nullable(Box(content=self.dog(), more=[self.dog(), self.dog()])),
        )  # fmt: skip


class RandomQueries:
    """Random selections, with fragments, aliases and conditions."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def maybe(self, chance: float, text: str | Callable[[], str]) -> str:
        if self.dice.random() >= chance:
            return ""
        return text if isinstance(text, str) else text()

    def condition(self) -> str:
        conditions = (
            " @skip(if: $a)", " @include(if: $b)", " @skip(if: $a) @include(if: $b)",
            " @include(if: true)", " @skip(if: true)", " @include(if: $c)",
        )  # fmt: skip
        return self.maybe(0.3, lambda: self.dice.choice(conditions))

    def leaf(self) -> str:
        found = [
            self.maybe(0.4, f"x{n}: ") + self.dice.choice(LEAVES) + self.condition()
            for n in range(self.dice.randint(1, 6))
        ]
        found.append(self.maybe(0.4, lambda: "...L" + self.condition()))
        found.append(self.maybe(0.3, lambda: f"... on Leaf{self.condition()} {{ again: s mi }}"))
        return "{ " + " ".join(dict.fromkeys(found)) + " }"

    def cat(self) -> str:
        more = f"cl: leaf{self.condition()} {self.leaf()} cl: leaf {{ s }}"
        return f"... on Cat{self.condition()} {{ name lives{self.condition()} {more} }}"

    def dog(self) -> str:
        friend = f"__typename ... on Cat {{ name leaf {self.leaf()} }} ... on Fish {{ depth }}"
        parts = [
            "name", self.maybe(0.7, "tricks"), self.maybe(0.3, lambda: "loud" + self.condition()),
            self.maybe(0.3, "short(letters: 2)"), self.maybe(0.3, lambda: "leafOf " + self.leaf()),
            self.maybe(0.5, lambda: f"friend{self.condition()} {{ {friend} }}"),
        ]  # fmt: skip
        self.dice.shuffle(parts)
        return " ".join(parts)

    def pet(self) -> str:
        return " ".join((
            "{ __typename", self.maybe(0.8, self.cat),
            self.maybe(0.8, lambda: f"... on Dog {{ {self.dog()} }}"),
            self.maybe(0.8, lambda: f"... on Fish {{ depth fl: leaf {self.leaf()} }}"),
            self.maybe(0.3, "... on Named { name }"), "}",
        ))  # fmt: skip

    def named(self) -> str:
        cat = self.maybe(0.8, self.cat)
        return f"{{ __typename name {cat} ... on Nameless {{ note }} }}"

    def box(self, inner: str) -> str:
        return f"{{ __typename content {inner} more {inner} }}"

    def one(self) -> str:
        kinds: dict[str, Callable[[], str]] = {
            "pets": self.pet, "mpets": self.pet, "named": self.named, "leaves": self.leaf,
            "mleaves": self.leaf, "leaf": self.leaf, "secrets": lambda: "{ open hidden }",
            "ints": lambda: "", "dogs": lambda: "{" + self.dog() + "}",
            "box": lambda: self.box(self.leaf()), "dogBox": lambda: self.box("{" + self.dog() + "}"),
        }  # fmt: skip
        field = self.dice.choice(list(kinds))
        return f"{field} {kinds[field]()}"

    def query(self) -> str:
        fields = " ".join(f"r{n}: {self.one()}" for n in range(self.dice.randint(1, 3)))
        variables = "$a: Boolean! = false, $b: Boolean! = true, $c: Boolean! = true"
        skip = self.maybe(0.5, " @skip(if: $a)")
        used = "u: ints @skip(if: $a) v: ints @include(if: $b) w: ints @include(if: $c)"
        fields = f"{fields} {used} z: leaf {{ ...L }}"
        return f"query({variables}) {{ {fields} }}\nfragment L on Leaf {{ s li: i{skip} mcolor }}"


async def execute_both(
    first: Awaitable[Any], second: Awaitable[Any]
) -> tuple[tuple[str, list[tuple[str, ...]]], tuple[str, list[tuple[str, ...]]]]:
    """Two results in a shape that can be compared."""
    return describe_result(await first), describe_result(await second)


def describe_result(result: Any) -> tuple[str, list[tuple[str, ...]]]:
    """Data with the order of its keys, and the errors with their places, in any order."""
    return repr(result.data), sorted(
        (error.message, str(error.path), str([place.formatted for place in error.locations or []]))
        for error in result.errors or []
    )
