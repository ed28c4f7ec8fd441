"""What users of POMS install: a client for scripts. No server code."""

from poms.client import Client, Refused

__all__ = ["Client", "Refused"]
