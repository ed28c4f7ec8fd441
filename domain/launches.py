"""How far one attempt to launch a submission has come, and where launches are made from."""

from enum import StrEnum


class LaunchState(StrEnum):
    """intended → sent (about to be submitted) → acknowledged (id adopted) → opened (gate) → seen (first event)."""

    INTENDED = "intended"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    OPENED = "opened"
    SEEN = "seen"
    ABANDONED = "abandoned"


class HostKind(StrEnum):
    """How a launch host is reached."""

    LOCAL = "local"
    SSH = "ssh"


class CredentialKind(StrEnum):
    """What a credential is."""

    TOKEN = "token"  # noqa: S105 - the kind's name
    PROXY = "proxy"
