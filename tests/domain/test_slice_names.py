"""What the files of a launch are called, and what may be uploaded for one."""

from pathlib import Path

import pytest

from domain.launching.slice_names import (
    list_candidates,
    name_dependent_slice,
    name_recovery,
    name_slice,
)
from domain.setup.parameters import UnknownKeyword, fill_dataset_name
from domain.setup.uploads import check_quota, check_upload_name, locate_upload


def test_names_say_of_what_they_are() -> None:
    assert name_slice("raw", 7, 3, is_test=False) == "raw_slice3_stage7"
    assert name_slice("raw", 7, 3, is_test=True) == "raw_test3_stage7"
    assert name_slice("stage:282", 282, 1, is_test=False) == "poms_slice1_stage282"
    assert name_dependent_slice("poms_depends_5_1", 0) == "poms_depends_5_1"
    assert name_dependent_slice("poms_anna_depends_5_1", 2) == "poms_anna_depends_5_1_3"
    assert name_recovery(5, 1) == "poms_recover_5_1"
    names = list_candidates("raw_slice3_stage7")
    assert (names[0], names[1]) == ("raw_slice3_stage7", "raw_slice3_stage7.2")
    assert len(set(names)) == len(names)


def test_names_of_datasets_take_the_campaigns_keywords() -> None:
    filled = fill_dataset_name(
        "%(group)s_%(pot)s_%(version)s", {"pot": "5e18"}, version="v1", experiment="hypot"
    )
    assert filled == "hypot_5e18_v1"
    assert fill_dataset_name("100%", {}, version="v1", experiment="hypot") == "100%"
    with pytest.raises(UnknownKeyword):
        fill_dataset_name("%(nothing)s", {}, version="v1", experiment="hypot")


@pytest.mark.parametrize("name", ["x.cfg", "my-code_v1+2.tar.gz", "a", "+x", "9=a,b@c", "x" * 200])
def test_plain_names_can_be_uploaded(name: str) -> None:
    assert check_upload_name(name) is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".bashrc", "-rf", "a b", "a/b", "ä.cfg", "a\n", "a\0", "$x", "x" * 201]
)
def test_other_names_can_not(name: str) -> None:
    assert "another name" in (check_upload_name(name) or "")


def test_a_quota_says_how_much_is_used_and_what_to_do() -> None:
    assert check_quota(6_000_000, 1, 4_000_000, 10_000_000) is None
    said = check_quota(6_000_000, 1, 4_000_001, 10_000_000) or ""
    assert "6.0 MB of 10.0 MB" in said
    assert "remove some" in said
    assert "at most 10.0 MB" in (check_quota(0, 0, 10_000_001, 10_000_000) or "")
    assert "1000 uploads" in (check_quota(0, 1000, 1, 10_000_000) or "")


def test_folders_are_made_of_ids_only() -> None:
    assert locate_upload(Path("/uploads"), 3, 7, 12) == Path("/uploads/e3/p7/12")
