"""`python -m up` runs everything on one machine; `migrate` and `reset` do less."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # the one place that older ones get to
    sys.exit(
        f"POMS needs Python 3.11 or newer, and this is {sys.version_info[0]}."
        f"{sys.version_info[1]}: run `make run PYTHON=python3.11`, or any newer one that you have."
    )

import os
from pathlib import Path

from up.faults import SetupError
from up.home import forget, only_one
from up.machine import Machine
from up.ports import pick
from up.supervise import Stopped, Supervisor

# Not resolved: a checkout may be made of links.
CHECKOUT = Path(__file__).absolute().parents[1]


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(sentence, flush=True)  # noqa: T201  # the command's own output


def root() -> Path:
    """Say where this checkout keeps its things."""
    return Path(os.environ.get("POMS_HOME") or CHECKOUT / ".poms").absolute()


def run() -> None:
    """Run everything until Ctrl-C."""
    with only_one(root()) as lock:
        port = pick(os.environ.get("POMS_PORT") or "8080")
        with Supervisor(say) as supervisor:
            machine = Machine(CHECKOUT, root(), os.environ, lock, port, supervisor, say)
            try:
                machine.run()
            except Stopped:
                say("\nStopping.")
    say("Stopped.")


def migrate() -> None:
    """Bring the database at POMS_DATABASE_URL up to date."""
    from up.migrations import bring_up_to_date

    for name in bring_up_to_date(os.environ.get("POMS_DATABASE_URL", "")):
        say(f"Applied {name}.")


def reset() -> None:
    """Forget everything: the database, the queue, the secret."""
    if root().exists():
        with only_one(root()):
            forget(root())
    say(f"{root()} is empty.")


def main(words: list[str]) -> None:
    """Run the command; what a person can put right ends it with one sentence."""
    commands = {"": run, "migrate": migrate, "reset": reset}
    try:
        if (word := " ".join(words)) not in commands:
            raise SetupError(
                f"There is no command {word!r}: it is `python -m up [migrate | reset]`."
            )
        commands[word]()
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(0)
    except OSError as error:
        sys.exit(f"{error.filename or 'The system'}: {error.strerror}.")


if __name__ == "__main__":
    main(sys.argv[1:])
