"""What is said of an exception: its words, and where in the author's files it came from."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from .errors import Failed, InvalidConfig
from .values import WrongValue

__all__ = ["said", "stack"]

_SDK = os.path.dirname(__file__)


def said(error: BaseException, cls: type[Any]) -> str:
    """An exception in one line, for people: ``ValueError: too low (app.py:12, in record)``."""
    if isinstance(error, (Failed, InvalidConfig)):
        return str(error)
    if isinstance(error, WrongValue):
        text = str(error)
    else:
        text = "".join(traceback.format_exception_only(error)).strip()
    at = _place(error, cls)
    return f"{text} ({at})" if at else text


def stack(error: BaseException) -> str:
    """The whole traceback of an exception, and of those behind it, without the SDK's own frames."""
    shown = traceback.TracebackException.from_exception(error)
    each: traceback.TracebackException | None = shown
    while each is not None:
        theirs = [frame for frame in each.stack if not frame.filename.startswith(_SDK + os.sep)]
        each.stack[:] = theirs or list(each.stack)
        each = each.__cause__ or each.__context__
    return "".join(shown.format()).strip()


def _place(error: BaseException, cls: type[Any]) -> str:
    """The innermost place in the files of the generator's author."""
    module = sys.modules.get(cls.__module__)
    folder = os.path.dirname(getattr(module, "__file__", None) or "")
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = frame.filename
        theirs = not path.startswith(_SDK + os.sep) and "site-packages" not in path
        if theirs and path.startswith(folder + os.sep):
            return f"{os.path.relpath(path, folder)}:{frame.lineno}, in {frame.name}"
    return ""
