"""Secrets in what programs say."""

import pytest

from domain.masking import StreamMasker

SECRETS = ("topsecret", "topsecretmore", "abcabc", "short")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("the topsecret is", "the *** is"),
        ("topsecretmore", "***"),
        ("topsecretmorning", "***mor" + "ning"),
        ("abcabc abcab", "*** abcab"),
        ("short stays: topsecre", "short stays: topsecre"),
        ("topsecrettopsecret\nabcabcxabc", "******\n***xabc"),
    ],
)
def test_a_secret_is_masked_however_it_comes(said: str, kept: str) -> None:
    for size in range(1, len(said) + 1):
        masker = StreamMasker(SECRETS)
        pieces = [masker.hear(said[n : n + size]) for n in range(0, len(said), size)]
        assert "".join(pieces) + masker.end() == kept, size
