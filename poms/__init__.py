"""What users of POMS install: a typed client for scripts, and the `poms` command. No server code."""

from poms.client import Client, CursorLost, taken
from poms.transport import NotSignedIn, Refused, Unreachable

__all__ = ["Client", "CursorLost", "NotSignedIn", "Refused", "Unreachable", "taken"]
