"""Docstrings are published."""

from tests.door.log_service import make_schema

EXPECTED = [
    '"""One item of the list."""\ntype Item implements Node & Named {',
    '"""Whatever has a name."""\ninterface Named {\n  """What it is called."""\n  name: String!',
    '"""What it looks like."""\nenum Colour {\n  """Like blood."""\n  RED\n  BLUE\n}',
    '  """`kind:key`, for example `submission:42`."""\n  id: ID!',
    '  """Its name, shouted."""\n  loud: String!',
    '"""One page of a list."""\ntype ItemConnection {',
    '"""One item of a page with its cursor."""\ntype ItemEdge {',
]


def test_docstrings_and_strings_under_attributes_are_descriptions() -> None:
    printed = make_schema().as_str()
    for text in EXPECTED:
        assert text in printed, printed


def test_what_has_no_docstring_has_no_description() -> None:
    assert "\n  colour: Colour!" in make_schema().as_str()
