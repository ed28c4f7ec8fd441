"""One form for all that processes write in their logs: lines for people, or an object in JSON for each.

What a line is about (a request, a loop, the thing in its hands) is said once, where that begins: it is kept in the
context of the task, and in every line that comes of it, whichever module or library writes it.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogForm = Literal["text", "json"]
FORMS: tuple[LogForm, ...] = ("text", "json")
MASK = "…"
_SHORTEST_SECRET = 8
_BEARER = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+")
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s/@]+(?=@)")
_subjects: ContextVar[Mapping[str, str]] = ContextVar("subjects", default={})  # noqa: B039 - it is never changed


@contextmanager
def name_subjects(**subjects: str) -> Iterator[None]:
    """Name in every line what they are about, such as `loop="relay"`; also by `add_subjects`, until this ends."""
    token = _subjects.set({**_subjects.get(), **subjects})
    try:
        yield
    finally:
        _subjects.reset(token)


def add_subjects(**subjects: str) -> None:
    """Name more of what the lines of this task are about, until the enclosing `name_subjects` ends."""
    _subjects.set({**_subjects.get(), **subjects})


def find_request_id() -> str | None:
    """The id of the request that is being answered."""
    return _subjects.get().get("request_id")


class LogFormatter(logging.Formatter):
    """Lines without secrets, whatever was handed to the logger."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted(
            {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True
        )

    def mask(self, text: str) -> str:
        """Leave out the secrets of this deployment, tokens, and passwords of addresses."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = _URL_PASSWORD.sub(rf"\1{MASK}", _BEARER.sub(rf"\1{MASK}", text))
        return _TOKEN.sub(MASK, text)

    def story(self, record: logging.LogRecord) -> str:
        """The traceback, if there is one."""
        parts = [
            self.formatException(record.exc_info) if record.exc_info else "",
            self.formatStack(record.stack_info) if record.stack_info else "",
        ]
        return self.mask("\n".join(filter(None, parts)))


class TextFormatter(LogFormatter):
    """A line for people; what goes on in further lines is indented, so that no text can look like a line of ours."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, what it is about, message."""
        subjects = "".join(f" {name}={value}" for name, value in _subjects.get().items())
        head = f"{_format_time(record)} {record.levelname} {record.name}{subjects}: "
        text = "\n".join(filter(None, (self.mask(record.getMessage()), self.story(record))))
        return head + text.replace("\r", "").replace("\n", "\n    ")


class JsonFormatter(LogFormatter):
    """An object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The same as of a text line, each part by its name."""
        line = {
            "time": _format_time(record),
            "level": record.levelname,
            "logger": record.name,
            **_subjects.get(),
            "message": self.mask(record.getMessage()),
        }
        if story := self.story(record):
            line["exception"] = story
        return json.dumps(line, ensure_ascii=False)


def _format_time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def configure_logs(form: LogForm, secrets: Iterable[str] = ()) -> None:
    """Let this process write to stderr, in this form; loggers of libraries (uvicorn, arq, asyncio) too."""
    handler = logging.StreamHandler()
    handler.setFormatter({"text": TextFormatter, "json": JsonFormatter}[form](secrets))
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # uvicorn gave these handlers of its own before it loads us.
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
