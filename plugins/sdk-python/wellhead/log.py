"""Messages to the host, which puts them into its log with the generator's name.

A message is cut after 4 KiB, and beyond a rate that the host sets messages are dropped and counted: log what a
person should know of, not each record. Outside of a component they go to the logger ``wellhead`` of `logging`.
``print`` in a component is `info`, and what is written to standard error is `warn`.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["debug", "error", "info", "warn"]

#: Takes a level (``debug``, ``info``, ``warn``, ``error``) and a message; the component sets its own.
_sink: Callable[[str, str], None] | None = None


def debug(message: object) -> None:
    """Logs something for the generator's author."""
    _log("debug", message)


def info(message: object) -> None:
    """Logs something worth knowing."""
    _log("info", message)


def warn(message: object) -> None:
    """Logs what is probably not meant so."""
    _log("warn", message)


def error(message: object) -> None:
    """Logs that something is wrong."""
    _log("error", message)


def _log(level: str, message: object) -> None:
    if _sink is not None:
        # Half of a surrogate pair can't cross to the host.
        _sink(level, str(message).encode("utf-8", "replace").decode())
        return
    import logging

    logger = logging.getLogger("wellhead")
    logger.log(getattr(logging, {"warn": "WARNING"}.get(level, level.upper())), "%s", message)
