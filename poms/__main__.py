"""`python -m poms` is the `poms` command."""

from poms.command import main

main()
