"""A real Rucio server, run by the Python of its own venv: python rucio_program.py HOME DATABASE_URL PORT

It makes its configuration in HOME, its schema in the database, and the account `root`, whose user `poms` has the
password `secret`; then it serves its REST application on loopback.
"""

import os
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path


def write_sections(path: Path, sections: dict[str, dict[str, str]]) -> None:
    """A file as Rucio and Alembic read it."""
    parser = ConfigParser(interpolation=None)
    parser.read_dict(sections)
    with path.open("w") as file:
        parser.write(file)


def configure_server(home: Path, database: str, port: int) -> None:
    """No daemons, no GeoIP, nothing of the internet."""
    (home / "etc").mkdir(parents=True)
    package = Path(sysconfig.get_path("purelib"), "rucio")
    url, migrations = f"http://127.0.0.1:{port}", home / "etc" / "alembic.ini"
    database = database.replace("postgresql:", "postgresql+psycopg:", 1)
    sections = {
        "common": {
            "logdir": str(home), "loglevel": "ERROR",
            "mailtemplatedir": f"{sys.prefix}/rucio/etc/mail_templates",
        },
        "client": {
            "rucio_host": url, "auth_host": url, "auth_type": "userpass", "username": "poms",
            "password": "secret", "account": "root", "request_retries": "1",
        },
        "database": {"default": database, "schema": "rucio", "pool_size": "4", "max_overflow": "4"},
        "bootstrap": {
            "userpass_identity": "poms", "userpass_pwd": "secret", "userpass_email": "poms@localhost",
        },
        "policy": {
            "permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash", "support": "",
        },
        # Where nobody listens, so that a request that asks for it is seen.
        "core": {"geoip_licence_key": "none", "geoip_download_url": "http://127.0.0.1:9/"},
        "alembic": {"cfg": str(migrations)},
    }  # fmt: skip
    write_sections(home / "etc" / "rucio.cfg", sections)
    # The one that comes with the package can't be read.
    logging = {
        "loggers": {"keys": "root"}, "handlers": {"keys": "all"}, "formatters": {"keys": "all"},
        "logger_root": {"level": "ERROR", "handlers": "all"},
        "handler_all": {"class": "StreamHandler", "args": "(sys.stderr,)", "formatter": "all"},
        "formatter_all": {"format": "%(message)s"},
        "alembic": {
            "script_location": f"{package}/db/sqla/migrate_repo", "sqlalchemy.url": database,
            "version_table_schema": "rucio",
        },
    }  # fmt: skip
    write_sections(migrations, logging)


def main(home: Path, database: str, port: int) -> None:
    """Serve until we are stopped."""
    configure_server(home, database, port)
    os.environ["RUCIO_HOME"] = str(home)
    from rucio.db.sqla.util import build_database, create_base_vo, create_root_account

    build_database()
    create_base_vo()
    create_root_account()
    from rucio.web.rest.flaskapi.v1.main import application
    from waitress import serve

    serve(application, listen=f"127.0.0.1:{port}", threads=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
