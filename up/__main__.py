"""`python -m up` runs everything on one machine; `migrate` and `reset` do less."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # the one place that older ones get to
    sys.exit(
        f"POMS needs Python 3.11 or newer, and this is {sys.version_info[0]}."
        f"{sys.version_info[1]}: run `make run PYTHON=python3.11`, or any newer one that you have."
    )

import os
from collections.abc import Mapping
from pathlib import Path

from up.faults import SetupError
from up.home import forget, only_one
from up.machine import Machine
from up.ports import pick
from up.supervise import Stopped, Supervisor

MOST = 16
# Not resolved: a checkout may be made of links.
CHECKOUT = Path(__file__).absolute().parents[1]


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(sentence, flush=True)  # noqa: T201  # the command's own output


def root() -> Path:
    """Say where this checkout keeps its things."""
    return Path(os.environ.get("POMS_HOME") or CHECKOUT / ".poms").absolute()


def count(env: Mapping[str, str], name: str) -> int:
    """How many processes of a kind."""
    wish = env.get(name) or "1"
    if not wish.isdecimal() or not 1 <= int(wish) <= MOST:
        raise SetupError(f"{name} is {wish!r}: make it a number from 1 to {MOST}.")
    return int(wish)


def run() -> None:
    """Run everything until Ctrl-C."""
    with only_one(root()) as lock:
        env = os.environ
        ports = pick(env.get("POMS_PORT") or "8080", count(env, "POMS_APIS"))
        workers = count(env, "POMS_WORKERS")
        with Supervisor(say) as supervisor:
            machine = Machine(CHECKOUT, root(), env, lock, ports, workers, supervisor, say)
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
