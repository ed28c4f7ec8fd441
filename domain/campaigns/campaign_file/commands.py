"""Launch scripts: a shell's text in the file, a list of words here."""

import re
import shlex
from collections.abc import Sequence

from domain.campaigns.campaign_file.values import UnreadableValue
from domain.setup import parameters

SHELL = re.compile(r"[^\w\s@%+=:,./()-]")
"""What makes a shell do more than split words; parentheses only with a keyword."""
KEYWORD = re.compile(r"%?%\(\w+\)s")
MOST_SCRIPT = 20_000
AS_SCRIPT = ["bash", "-c"]
ARGUMENTS = ' "$@"'


def read_command(text: str) -> list[str]:
    """The words of a launch script.

    What only a shell understands becomes a script for one, which gets the parameters as its arguments,
    so that the shell never reads them; nor may it read keywords.
    """
    if len(text) > MOST_SCRIPT:
        raise UnreadableValue(f"A launch script has at most {MOST_SCRIPT} characters.")
    if quoted := _split_quoted(text):
        return quoted
    if not SHELL.search(text) and "(" not in KEYWORD.sub("", text):
        return text.split()
    if any(found["name"] for found in parameters.KEYWORD.finditer(text)):
        raise UnreadableValue(
            "A shell would read what a keyword stands for: give the script it as a parameter."
        )
    return [*AS_SCRIPT, text + ARGUMENTS, "launch"]


def _split_quoted(text: str) -> list[str] | None:
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    return words if words and shlex.join(words) == text else None


def write_command(words: Sequence[str]) -> str:
    """A launch script of these words."""
    text = words[2].removesuffix(ARGUMENTS) if list(words[:2]) == AS_SCRIPT and words[2:] else ""
    try:
        return text if text and read_command(text) == list(words) else shlex.join(words)
    except UnreadableValue:
        return shlex.join(words)
