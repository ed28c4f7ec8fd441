"""Secrets in what programs say: replaced where they stand there as they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SHORTEST = 6
"""What is shorter would be found in many words that are no secret."""
MASK = "***"


@dataclass(slots=True)
class StreamMasker:
    """Masks what comes piece by piece; the beginning of a secret waits for the rest of it."""

    secrets: Iterable[str]
    _longest_first: list[str] = field(init=False)
    _held: str = ""

    def __post_init__(self) -> None:
        long = {each for each in self.secrets if len(each) >= SHORTEST}
        self._longest_first = sorted(long, key=len, reverse=True)

    def hear(self, text: str) -> str:
        """The text without secrets, but for an end that may be the beginning of one."""
        said = self._held + text
        cut = len(said) - max((self._begun(said, each) for each in self._longest_first), default=0)
        while (earlier := self._uncut(said, cut)) < cut:
            cut = earlier
        self._held = said[cut:]
        return self.mask(said[:cut])

    def end(self) -> str:
        """What was kept back, as nothing comes any more."""
        said, self._held = self._held, ""
        return self.mask(said)

    def _uncut(self, text: str, cut: int) -> int:
        """Where to cut instead, so that no secret that is there as a whole is cut."""
        starts = (
            text.rfind(s, max(0, cut - len(s) + 1), cut + len(s)) for s in self._longest_first
        )
        return min((at for at in starts if 0 <= at < cut), default=cut)

    def mask(self, text: str) -> str:
        """A whole text without secrets."""
        for secret in self._longest_first:
            text = text.replace(secret, MASK)
        return text

    @staticmethod
    def _begun(text: str, secret: str) -> int:
        """How many characters of a secret the text ends with."""
        most = min(len(secret) - 1, len(text))
        return next((n for n in range(most, 0, -1) if text.endswith(secret[:n])), 0)
