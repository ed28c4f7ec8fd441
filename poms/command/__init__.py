"""The `poms` command: what people and shell scripts do with POMS.

Exit codes: 0 done · 1 POMS refused · 2 used wrongly · 3 POMS can't be reached · 4 not signed in ·
5 what was watched is over, and not all of it is well.
"""

from poms.command.main import main

__all__ = ["main"]
