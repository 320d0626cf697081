"""Importing a library without those that it loads only because they are installed, too.

For the doors of libraries (log.py, store/orm.py): what is loaded in passing costs every start its time, and
every process its memory. docs/benchmarks.md has the figures.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(*libraries: str) -> Iterator[None]:
    """Have libraries look as if they were not installed to what is imported inside.

    One that is loaded already stays. For imports at a module's top alone: no thread finds them meanwhile.
    Source: Python's reference, "The module cache": None in `sys.modules` makes an import fail.
    """
    hidden: dict[str, Any] = {name: None for name in libraries if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
