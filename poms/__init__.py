"""What users of POMS install: a typed client for scripts, and the `poms` command. No server code."""

from poms.client import Client, CursorLost, expect_result
from poms.transport import OperationRefused, ServiceUnreachable, TokenRejected

__all__ = [
    "Client",
    "CursorLost",
    "OperationRefused",
    "ServiceUnreachable",
    "TokenRejected",
    "expect_result",
]
