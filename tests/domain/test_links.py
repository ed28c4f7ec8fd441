"""Templates of links: what is refused when they are saved, and how they are filled."""

import pytest

from domain.links import LinkSubject, LinkTemplate, check_links, fill_template

GOOD = "https://monitor.example.org:3000/d/x?var-cluster={cluster}&from={from}&to={to}#{{literal}}"

HOSTILE = {
    "javascript:alert(1)": "https",
    "http://monitor.example.org/{cluster}": "https",
    "https://{cluster}.example.org/": "https",
    "https://monitor.example.org{cluster}/": "https",
    "https://user:secret@monitor.example.org/": "https",
    "//monitor.example.org/{cluster}": "https",
    "https:///{cluster}": "https",
    "https://monitor.example.org/{cluster.__class__}": "There is no {cluster.__class__}",
    "https://monitor.example.org/{password}": "There is no {password}",
    "https://monitor.example.org/{}": "There is no {}",
    "https://monitor.example.org/{cluster!r}": "written like",
    "https://monitor.example.org/{cluster:>99999999}": "written like",
    "https://monitor.example.org/{cluster": "written like",
    "https://monitor.example.org/a b": "no blanks",
    "https://monitor.example.org/\x1b[31m": "no blanks",
    "https://[::1/": "written like",
    "https://monitor.example.org/" + "x" * 2_000: "At most 2000",
}


def check_one(template: str) -> list[str]:
    link = LinkTemplate(LinkSubject.SUBMISSION, "Monitor", template)
    return [finding.message for finding in check_links([link])]


def test_a_good_template_is_taken() -> None:
    assert check_one(GOOD) == []


@pytest.mark.parametrize("template", HOSTILE)
def test_a_hostile_template_is_refused_with_its_reason(template: str) -> None:
    assert [HOSTILE[template] in said for said in check_one(template)] == [True]


def test_a_template_has_only_the_variables_of_its_subject_and_a_title_of_its_own() -> None:
    links = [
        LinkTemplate(LinkSubject.DATASET, "SAM", "https://sam.example.org/{cluster}"),
        LinkTemplate(LinkSubject.DATASET, "SAM", "https://sam.example.org/{dataset_name}"),
        LinkTemplate(LinkSubject.CAMPAIGN, "SAM", "https://sam.example.org/{campaign}"),
    ]
    assert [finding.path for finding in check_links(links)] == [
        "links[0].template",
        "links[1].title",
    ]


def test_values_are_encoded_and_an_unknown_one_makes_no_link() -> None:
    template = "https://m.example.org/{a}?x={b}"
    filled = fill_template(template, {"a": "../e?#", "b": "a&b=c d"})
    assert filled == "https://m.example.org/..%2Fe%3F%23?x=a%26b%3Dc%20d"
    assert fill_template(template, {"a": 1, "b": None}) is None
    assert fill_template(template, {"a": 1}) is None
