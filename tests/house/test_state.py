"""Nothing is kept in a module: what lives is in `Services`, or in an object somebody owns."""

import ast
from collections.abc import Iterator

from tests.house.source import Module, modules

MUTATORS = {
    "add",
    "append",
    "appendleft",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "popleft",
    "remove",
    "setdefault",
    "sort",
    "update",
}
HOLDERS = {
    "Counter",
    "OrderedDict",
    "WeakKeyDictionary",
    "WeakValueDictionary",
    "count",
    "defaultdict",
    "deque",
}
LIVING = {
    "Condition",
    "ContextVar",
    "Event",
    "Lock",
    "Queue",
    "RLock",
    "Semaphore",
    "SimpleQueue",
    "Thread",
    "local",
}


def test_no_module_keeps_what_changes() -> None:
    kept = [place for module in modules("gateway", "admin") for place in _kept(module)]

    assert kept == []


def test_nothing_is_declared_global() -> None:
    declared = [
        module.at(node.lineno)
        for module in modules("gateway", "admin")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]

    assert declared == []


def test_the_search_finds_what_it_looks_for() -> None:
    guilty = {
        "seen = {}\ndef note(key):\n    seen[key] = 1\n",
        "seen = []\ndef note(key):\n    seen.append(key)\n",
        "from collections import deque\nrecent = deque()\n",
        "import threading\nlock = threading.Lock()\n",
        "total = {}\ndef drop(key):\n    del total[key]\n",
        "names: set[str] = set()\ndef note(name):\n    names.add(name)\n",
    }
    innocent = {
        "KINDS = {'a': 1}\ndef kind(name):\n    return KINDS[name]\n",
        "KINDS = {}\ndef kind(name):\n    KINDS = {}\n    KINDS[name] = 1\n",
    }

    assert [text for text in guilty if not list(_kept_in(ast.parse(text)))] == []
    assert [text for text in innocent if list(_kept_in(ast.parse(text)))] == []


def _kept(module: Module) -> Iterator[str]:
    for line in _kept_in(module.tree):
        yield module.at(line)


def _kept_in(tree: ast.Module) -> Iterator[int]:
    """Lines of module-level values that are containers changed later, or things that live by themselves."""
    containers: dict[str, int] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            kind = _kind(statement.value)
            if kind in HOLDERS | LIVING:
                yield statement.lineno
            elif kind in {"dict", "list", "set", "bytearray"}:
                containers.update(dict.fromkeys(_targets(statement), statement.lineno))
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            local = _assigned(scope)
            for name in _changed(scope):
                if name in containers and name not in local:
                    yield containers[name]


def _kind(value: ast.expr) -> str:
    if isinstance(value, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(value, ast.List | ast.ListComp):
        return "list"
    if isinstance(value, ast.Set | ast.SetComp):
        return "set"
    if isinstance(value, ast.Call):
        function = value.func
        return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return ""


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _assigned(scope: ast.AST) -> set[str]:
    """Names a function binds itself: its own, whatever the module calls so."""
    names = {node.arg for node in ast.walk(scope) if isinstance(node, ast.arg)}
    return names | {
        node.id for node in ast.walk(scope) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _changed(scope: ast.AST) -> Iterator[str]:
    for node in ast.walk(scope):
        filled = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del)
        called = isinstance(node, ast.Attribute) and node.attr in MUTATORS
        owner = getattr(node, "value", None)
        if (filled or called) and isinstance(owner, ast.Name):
            yield owner.id
