"""What is said of an exception: its words, where in the author's files it came from, and its traceback.

Written out here, since the standard library's own reads files for it, which a component doesn't have.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from .errors import Failed, FrozenError, InvalidConfig
from .values import WrongValue

__all__ = ["said", "stack"]

#: Folders whose frames say nothing to the author; the component adds its own.
HIDDEN = [os.path.dirname(__file__) + os.sep]
#: The most frames of a traceback that are shown: a recursion without end has a thousand alike.
_FRAMES = 20


def said(error: BaseException, cls: type[Any]) -> str:
    """An exception in one line, for people: ``ValueError: too low (app.py:12, in record)``."""
    text = _words(error)
    if isinstance(error, (Failed, InvalidConfig, WrongValue)):
        return text
    at = _place(error, cls)
    return f"{text} ({at})" if at else text


def stack(error: BaseException, cls: type[Any]) -> str:
    """The traceback of an exception, and of those behind it, without the SDK's own frames."""
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = [f"{stack(behind, cls)}\nwhich led to"] if behind is not None else []
    every = list(traceback.extract_tb(error.__traceback__))
    frames = [frame for frame in every if not frame.filename.startswith(tuple(HIDDEN))] or every
    folder = _folder(cls)
    shown = frames if len(frames) <= _FRAMES else frames[: _FRAMES // 2] + frames[-_FRAMES // 2 :]
    for frame in shown:
        parts.append(f'  File "{frame.filename.removeprefix(folder)}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            parts.append(f"    {frame.line}")
    if len(shown) < len(frames):
        parts.append(f"  ({len(frames) - len(shown)} frames in between are left out)")
    return "\n".join([*parts, _words(error)])


def _words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    if text and isinstance(error, (Failed, FrozenError, InvalidConfig, WrongValue)):
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _place(error: BaseException, cls: type[Any]) -> str:
    """The innermost place in the files of the generator's author."""
    folder = _folder(cls)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = frame.filename
        theirs = path.startswith(folder) and not path.startswith(tuple(HIDDEN)) and "site-packages" not in path
        if theirs:
            return f"{path.removeprefix(folder)}:{frame.lineno}, in {frame.name}"
    return ""


def _folder(cls: type[Any]) -> str:
    module = sys.modules.get(cls.__module__)
    return os.path.dirname(getattr(module, "__file__", None) or "") + os.sep
