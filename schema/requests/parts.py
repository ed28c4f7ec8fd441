"""The parts of a request, as a client sees them."""

from domain.requests.plan_parts import RequestPart
from door.describe import declare_enum_type

declare_enum_type(RequestPart)

__all__ = ["RequestPart"]
