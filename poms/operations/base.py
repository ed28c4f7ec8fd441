"""What the generated client stands on; the generator wants a class of its own, in a file that it copies."""

from poms.transport import Transport


class Base(Transport):
    """See `poms.transport`."""
