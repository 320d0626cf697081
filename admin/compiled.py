"""Compiled templates, kept in templates/__pycache__ as Python keeps its modules: loading what a page's first
visit needs takes 3 ms, compiling it 70 to 110.

Each is compared with its source and with the module that sets Jinja up: what was edited is compiled anew.
Where nothing can be written each process compiles its own, unless `rendering.compile_all` was run before.
"""

import os
import pickle
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_MADE_WITH = f"{sys.implementation.cache_tag}.jinja-{jinja2.__version__}"
_NAMED = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")


class KeptTemplates(BytecodeCache):
    """Compiled templates as files of one folder, for all languages: words are looked up when rendering.

    set_up   the source of what sets Jinja up: extensions and options change what is compiled
    writes   False leaves the folder as it is
    """

    def __init__(
        self,
        set_up: str,
        folder: Path = TEMPLATES / "__pycache__",
        *,
        writes: bool = not sys.dont_write_bytecode,
    ) -> None:
        self._set_up = set_up
        self._folder = folder
        self._writes = writes

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002 - see below
        """Without the folder: an image is built in another than it runs in."""
        return f"{name.replace('/', '.')}.{_MADE_WITH}"

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(self._set_up + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError, EOFError, pickle.UnpicklingError):  # missing or damaged: compiled anew
            bucket.bytecode_from_string((self._folder / bucket.key).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not self._writes:
            return
        written = self._folder / f"{bucket.key}.{os.getpid()}.{threading.get_ident()}"
        with suppress(OSError):  # compiled anew next time
            self._folder.mkdir(exist_ok=True)
            written.write_bytes(bucket.bytecode_to_string())
            written.replace(self._folder / bucket.key)


def load(environment: Environment, template: str) -> None:
    """Have a template, and those it extends, includes and imports, in the environment's own cache."""
    seen: set[str] = set()
    named = {template}
    while named:
        name = named.pop()
        seen.add(name)
        environment.get_template(name)
        named |= names_in((TEMPLATES / name).read_text(encoding="utf-8")) - seen


def names_in(source: str) -> set[str]:
    """The templates a source names, in plain quotes. Parsing it would take half as long as compiling."""
    return set(_NAMED.findall(source))
