"""What a component doesn't have, and would trap at without a word: clock, entropy, files, late imports.

`guard` runs before the author's module is imported, so that ``from time import time`` takes the guarded one, and
`prepare` after it. From `freeze` on, which every call of the host's begins with, the guards refuse; until then all
of it works as usual, on the machine that builds.
"""

from __future__ import annotations

import builtins
import datetime
import gc
import io
import linecache
import os
import random
import sys
import time
import types
from collections.abc import Callable
from typing import Any

# Imported by the standard library or the runtime only when wanted, which would be too late.
import atexit  # noqa: F401
import encodings.idna  # noqa: F401
import _strptime  # noqa: F401
import traceback  # noqa: F401
import uuid  # noqa: F401

from wellhead import FrozenError, log, place

_CLOCK = "a component has no clock, and the instant of a record is tick.time (or tick.rfc3339)"
_ENTROPY = (
    "a component has no entropy, and what it was built with would repeat in every stream; take "
    'settings.key("purpose") in `open`, and its .at(tick.index) or .random(tick.index) in `record`'
)
_UNSEEDED = f"the functions of the module random, and random.Random() without a seed: {_ENTROPY}"
_FILES = (
    "a component has no files; read them at the top of app.py, when the component is built, or let users name "
    "them as assets (wellhead.assets.read)"
)

_frozen = False


def _guarded(name: str, original: Callable[..., Any], why: str, needless: int = -1) -> Callable[..., Any]:
    """``original`` while it is built, and an error from then on, unless it has `needless` arguments."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        if _frozen and len(args) + len(kwargs) != needless:
            raise FrozenError(f"{name}: {why}")
        return original(*args, **kwargs)

    guarded.__name__ = guarded.__qualname__ = getattr(original, "__name__", name)
    return guarded


def guard() -> None:
    """Puts guards in place of what is frozen by the snapshot."""
    place.HIDDEN.append(os.path.dirname(__file__) + os.sep)
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        for each in (name, f"{name}_ns"):
            if hasattr(time, each):
                setattr(time, each, _guarded(f"time.{each}()", getattr(time, each), _CLOCK))
    for name in ("gmtime", "localtime", "ctime"):
        setattr(time, name, _guarded(f"time.{name}()", getattr(time, name), _CLOCK, needless=1))
    time.asctime = _guarded("time.asctime()", time.asctime, _CLOCK, needless=1)
    time.strftime = _guarded("time.strftime()", time.strftime, _CLOCK, needless=2)
    time.sleep = _guarded("time.sleep()", time.sleep, "a component can't wait: the host does, by the load of its spec")
    _guard_methods(datetime.datetime, ("now", "utcnow", "today"))
    _guard_methods(datetime.date, ("today",))
    for name in ("urandom", "getrandom"):
        if hasattr(os, name):
            said = f"os.{name}(), which uuid.uuid4() and secrets draw from"
            setattr(os, name, _guarded(said, getattr(os, name), _ENTROPY))
    for name in ("open", "stat", "lstat", "listdir", "scandir", "mkdir", "remove", "rename"):
        setattr(os, name, _guarded(f"os.{name}()", getattr(os, name), _FILES))
    builtins.open = io.open = _guarded("open()", io.open, _FILES)
    _guard_random()
    sys.stdout = sys.__stdout__ = _ToLog(log.info, sys.stdout)
    sys.stderr = sys.__stderr__ = _ToLog(log.warn, sys.stderr)


def _guard_methods(cls: type, methods: tuple[str, ...]) -> None:
    """Of a built-in class, whose attributes can't be set: only what its mapping stands for can be.

    A class derived from it would be another one: isinstance, pickles and what C code makes would differ.
    """
    (attributes,) = gc.get_referents(cls.__dict__)
    for method in methods:
        original = attributes.get(method)
        if original is None:
            # Inherited, and guarded there.
            continue

        def guarded(of: Any, *args: Any, _method: str = method, _original: Any = original, **kwargs: Any) -> Any:
            if _frozen:
                raise FrozenError(f"{of.__name__}.{_method}(): {_CLOCK}")
            return _original.__get__(None, of)(*args, **kwargs)

        attributes[method] = classmethod(guarded)


class _Random(random.Random):
    """A `random.Random` that can be made without a seed, as libraries do, if it gets one before it is used."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return super().__new__(cls, 0) if _frozen else super().__new__(cls)

    def seed(self, a: Any = None, version: int = 2) -> None:
        if _frozen and a is None:
            if type(self) is _Random:
                self.__class__ = _Unseeded
            return
        super().seed(a, version)


class _Unseeded(_Random):
    def seed(self, a: Any = None, version: int = 2) -> None:
        if a is not None:
            self.__class__ = _Random
            self.seed(a, version)

    def random(self) -> float:
        raise FrozenError(_UNSEEDED)

    def getrandbits(self, k: int) -> int:
        raise FrozenError(_UNSEEDED)


def _guard_random() -> None:
    shared = _Random()

    def unseedable(*args: Any) -> None:
        if _frozen:
            raise FrozenError(f"random.seed(): that is one generator for all records; {_ENTROPY}")
        _Random.seed(shared, *args)

    for name in dir(random):
        function = getattr(random, name)
        if getattr(function, "__self__", None) is random._inst:
            # Built-in ones are bound to the base's, so that those of a derived class have to be looked up.
            through = lambda *args, _name=name, **kwargs: getattr(shared, _name)(*args, **kwargs)  # noqa: E731
            built_in = isinstance(function, types.BuiltinFunctionType)
            setattr(random, name, through if built_in else getattr(shared, name))
    random.seed = unseedable
    random._inst = shared
    random.Random = _Random
    random._urandom = os.urandom


class _ToLog(io.TextIOBase):
    """Where `print` goes: each line is a message, and while it is built what is said of that."""

    encoding = "utf-8"

    def __init__(self, to: Callable[[str], None], before: Any) -> None:
        self._to = to
        self._before = before
        self._line = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not _frozen:
            return self._before.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._to(line)
        return len(text)


class _NoImports:
    """Finds no module: those of the snapshot are all that there are."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        raise ModuleNotFoundError(
            f"{name} is imported while the component runs, and it has only what was imported when it was built: "
            f"write `import {name}` at the top of app.py",
            name=name,
        )


def prepare(app: types.ModuleType) -> None:
    """What can't be done any more when the component runs."""
    # Lines for tracebacks, which would be read from files.
    folder = os.path.dirname(app.__file__ or "")
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        if path.endswith(".py") and os.path.dirname(path) == folder:
            linecache.getlines(path)
    gc.collect()
    # What is in the snapshot stays; looking through it again and again would only cost.
    gc.freeze()


def freeze() -> None:
    """From here on nothing is there but memory."""
    global _frozen
    if _frozen:
        return
    _frozen = True
    linecache.checkcache = lambda filename=None: None
    linecache.updatecache = lambda filename, module_globals=None: []
    if "logging" in sys.modules:
        _log_by_level(sys.modules["logging"])
    sys.meta_path[:] = [_NoImports]
    random._inst.__class__ = _Unseeded


def _log_by_level(logging: Any) -> None:
    """`logging`, where somebody imported it, writes to the host's log, and reads no clock for that."""

    class Handler(logging.Handler):
        def emit(self, record: Any) -> None:
            levels = ((logging.ERROR, log.error), (logging.WARNING, log.warn), (logging.INFO, log.info))
            to = next((to for level, to in levels if record.levelno >= level), log.debug)
            to(self.format(record))

    logging.time = types.SimpleNamespace(**{**vars(time), "time": lambda: 0.0, "time_ns": lambda: 0})
    logging.lastResort = Handler(logging.WARNING)
