"""`python -m up` runs everything on one machine; `migrate`, `recount_progress`, `roles` and `reset` do less."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # the one place that older ones get to
    sys.exit(
        f"POMS needs Python 3.11 or newer, and this is {sys.version_info[0]}."
        f"{sys.version_info[1]}: run `make run PYTHON=python3.11`, or any newer one that you have."
    )

import os
from collections.abc import Mapping
from pathlib import Path

from log_lines import configure_logs
from settings import SettingError, read_log_settings
from up.faults import SetupError
from up.home import hold_installation, remove_installation
from up.machine import RunningHouse
from up.ports import choose_ports
from up.supervise import ServiceSupervisor, StopRequested

MOST = 16
# Not resolved: a checkout may be made of links.
CHECKOUT = Path(__file__).absolute().parents[1]


def print_sentence(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(sentence, flush=True)  # noqa: T201  # the command's own output


def locate_root() -> Path:
    """Say where this checkout keeps its things."""
    return Path(os.environ.get("POMS_HOME") or CHECKOUT / ".poms").absolute()


def read_process_count(env: Mapping[str, str], name: str) -> int:
    """How many processes of a kind."""
    wish = env.get(name) or "1"
    if not wish.isdecimal() or not 1 <= int(wish) <= MOST:
        raise SetupError(f"{name} is {wish!r}: make it a number from 1 to {MOST}.")
    return int(wish)


def run_house() -> None:
    """Run everything until Ctrl-C."""
    with hold_installation(locate_root()) as lock:
        env = os.environ
        ports = choose_ports(env.get("POMS_PORT") or "8080", read_process_count(env, "POMS_APIS"))
        workers = read_process_count(env, "POMS_WORKERS")
        with ServiceSupervisor(print_sentence) as supervisor:
            machine = RunningHouse(
                CHECKOUT, locate_root(), env, lock, ports, workers, supervisor, print_sentence
            )
            try:
                machine.run()
            except StopRequested:
                print_sentence("\nStopping.")
    print_sentence("Stopped.")


def migrate_database() -> None:
    """Bring the database at POMS_DATABASE_OWNER_URL up to date."""
    from up.migrations import migrate_database

    for name in migrate_database(os.environ):
        print_sentence(f"Applied {name}.")


def recount_progress() -> None:
    """Count all submissions for the kept progress of stages, and correct it where it is wrong."""
    from up.migrations import recount_stages

    wrong = recount_stages(os.environ)
    print_sentence(f"Corrected stages {wrong}." if wrong else "What is kept is what is counted.")


def create_roles() -> None:
    """Make the database's roles, as the superuser of POMS_DATABASE_SUPERUSER_URL."""
    from up.migrations import make_roles

    make_roles(os.environ)


def reset_installation() -> None:
    """Forget everything: the database, the queue, the secret."""
    if locate_root().exists():
        with hold_installation(locate_root()):
            remove_installation(locate_root())
    print_sentence(f"{locate_root()} is empty.")


def main(words: list[str]) -> None:
    """Run the command; what a person can put right ends it with one sentence."""
    commands = {
        "": run_house,
        "migrate": migrate_database,
        "recount": recount_progress,
        "roles": create_roles,
        "reset": reset_installation,
    }
    try:
        if (word := " ".join(words)) not in commands:
            raise SetupError(
                f"There is no command {word!r}: it is `python -m up [migrate | recount | roles | reset]`."
            )
        configure_logs(*read_log_settings())
        commands[word]()
    except (SetupError, SettingError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(0)
    except OSError as error:
        sys.exit(f"{error.filename or 'The system'}: {error.strerror}.")


if __name__ == "__main__":
    main(sys.argv[1:])
