"""A real Slurm whose jobs are accounted for: by a slurmdbd and a MariaDB of its own."""

import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.batch.slurm_pool import SLURM, SlurmPool
from tests.conftest import wait_until
from up import home
from up.ports import find_free_port

ACCOUNTING = SLURM.with_name("accounting")
"""What `make pools-accounting` fetched; without it there are no tests of accounting."""

DBD = """
DbdHost=localhost
DbdPort={port}
CommunicationParameters=NoInAddrAny
SlurmUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
PluginDir={plugins}
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageLoc=accounting
"""
CONFIG = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
"""
SCRIPTS = ("system_tables", "performance_tables", "system_tables_data")


class AccountedPool(SlurmPool):
    """A cluster that keeps no file of completions, and tells slurmdbd of all its jobs."""

    def _prepare(self) -> None:
        data = self.folder / "database"
        data.mkdir()
        home.give_ownership(data, self.run_as)
        self._make_tables()
        self.begin("mariadbd")
        wait_until((self.folder / "run/mariadb").exists, within=60, what="MariaDB")
        given = {"folder": self.folder, "port": find_free_port(), "user": self._uid}
        (plugins,) = ACCOUNTING.resolve().glob("usr/lib/*-linux-gnu/slurm-wlm")
        path = self.folder / "slurmdbd.conf"
        path.touch(mode=0o600)
        path.write_text(DBD.format(**given, plugins=plugins))
        home.give_ownership(path, self.run_as)
        with self.configuration.open("a") as file:
            file.write(CONFIG.format(**given))
        self.begin("slurmdbd")
        wait_until(self._is_kept, within=60, what="slurmdbd")

    def _is_kept(self) -> bool:
        return self.run("sacctmgr", "--immediate", "add", "cluster", "test").returncode == 0

    def _make_tables(self) -> None:
        """Make MariaDB's own tables, as its installer does."""
        share = ACCOUNTING.resolve() / "usr/share/mariadb"
        texts = [(share / f"mariadb_{name}.sql").read_text() for name in SCRIPTS]
        uid, gid = self.run_as or (None, None)
        done = subprocess.run(
            [*self._commands()["mariadbd"], "--bootstrap"], user=uid, group=gid,
            extra_groups=None if uid is None else [], capture_output=True, text=True, timeout=120, check=False,
            input="\n".join(["CREATE DATABASE accounting;", "CREATE DATABASE mysql;", "USE mysql;", *texts]),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def _commands(self) -> Mapping[str, Sequence[str | Path]]:
        programs = ACCOUNTING.resolve() / "usr/sbin"
        # Whoever reaches its socket may do everything: only we do, and it has no port.
        database: list[str | Path] = [
            programs / "mariadbd", "--no-defaults", "--skip-grant-tables", "--skip-networking",
            f"--datadir={self.folder}/database", f"--socket={self.folder}/run/mariadb",
            f"--pid-file={self.folder}/run/mariadb.pid", f"--lc-messages-dir={programs.parent}/share/mariadb",
            "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
        ]  # fmt: skip
        return {
            **super()._commands(),
            "mariadbd": database,
            "slurmdbd": [programs / "slurmdbd", "-D"],
        }

    @property
    def environment(self) -> dict[str, str]:
        # By which slurmdbd finds the database.
        return super().environment | {"MYSQL_UNIX_PORT": f"{self.folder}/run/mariadb"}

    def stop(self) -> None:
        super().stop()
        for name in ("slurmdbd", "mariadbd"):
            if name in self.daemons:
                self.end(name)


ACCOUNTS, QOS = ("default", "hypot", "toy"), ("normal", "urgent")
"""What who submits may use of an `EnforcedPool`; the first of each is for whoever names none."""


class EnforcedPool(AccountedPool):
    """The same, where nobody submits without an account and QOS that accounting lets them use."""

    def _prepare(self) -> None:
        with self.configuration.open("a") as file:
            file.write("AccountingStorageEnforce=associations,qos\n")
        super()._prepare()
        who = pwd.getpwuid(self._uid).pw_name
        for account in (*ACCOUNTS, "others"):
            self._tell("add", "account", account)
        for qos in ("urgent", "forbidden"):
            self._tell("add", "qos", qos)
        self._tell(
            "add", "user", who, f"Account={','.join(ACCOUNTS)}", f"DefaultAccount={ACCOUNTS[0]}"
        )
        self._tell("modify", "user", who, "set", f"QOS={','.join(QOS)}")

    def _tell(self, *words: str) -> None:
        done = self.run("sacctmgr", "--immediate", *words)
        assert done.returncode == 0, done.stdout + done.stderr
