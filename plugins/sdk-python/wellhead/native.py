"""What costs in an interpreter, in C: a component has it where wellhead was built with a compiler for it.

Everything in it stands in this package, too, in Python: the same bytes, more slowly. So it goes in tests.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["native"]

#: Of what is between the two.
_VERSION = 1


def _found() -> Any:
    try:
        module: Any = importlib.import_module("_wellhead")
    except ImportError:
        return None
    return module if module.VERSION == _VERSION else None


#: The module, or None.
native: Any = _found()
