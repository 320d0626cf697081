"""The vocabulary: names that say nothing are not used, in the project or in its tests."""

import ast
import re
from collections.abc import Iterator

from tests.house.source import Module, modules

EMPTY_WORDS = {"helper", "helpers", "info", "infos", "manager", "managers", "obj", "objs", "util", "utils"}
EMPTY_NAMES = re.compile(
    r"^(?:handle_data|process|process_\w+|do_(?!GET$|POST$|PUT$|DELETE$)\w+|data2|tmp|foo|bar)$"
)
OTHERS_NAMES = {("tests.admin.html", "handle_data")}
"""(module, name) of methods that a library calls by a name we would not have given."""
PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def test_names_carry_a_meaning() -> None:
    empty = [
        f"{module.at(line)} {name}"
        for module in modules("gateway", "admin", "tests", "scripts", "grafana", "deploy")
        for name, line in _defined(module)
        if not name.startswith("test_")  # a sentence
        if (module.name, name) not in OTHERS_NAMES
        if EMPTY_NAMES.match(name) or EMPTY_WORDS & {part.lower() for part in PARTS.findall(name)}
    ]

    assert empty == [], "see the vocabulary in ARCHITECTURE.md"


def _defined(module: Module) -> Iterator[tuple[str, int]]:
    """Names this module itself gives: its own, functions, classes, arguments, variables, attributes."""
    yield module.path.stem, 1
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
