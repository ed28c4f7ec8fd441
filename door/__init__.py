"""How GraphQL is spoken: HTTP by the letter, sockets and SSE, limits, compiled completion.

This room knows no noun of the project. It is given a schema and a way to sign people in.
"""

from door.context import DoorContext, NotSignedIn, OutOfService, RunProgress
from door.http import Door
from door.schema import build_schema

__all__ = ["Door", "DoorContext", "NotSignedIn", "OutOfService", "RunProgress", "build_schema"]
