"""Pages that are long, or made for the first time: the loop is free for calls meanwhile."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, meta

from admin.compiled import TEMPLATES, KeptTemplates, names_in
from admin.contexts.keys import KeyLine, KeyRows
from admin.readers import LANGUAGES, Reader
from admin.rendering import SET_UP, Renderer, compile_all
from gateway.control.key_views import KeyView
from gateway.store.key_use import KeyHour, KeyUse

NOW_MS = 1_793_000_000_000
LAST_HOUR = NOW_MS // 3_600_000


def line(number: int) -> KeyLine:
    view = KeyView(
        id=number,
        alias=f"AIza…{number:04d}",
        provider="gemini",
        origin="admin",
        note="<b>of a seller</b>",
        tags=("<i>",),
        project=None,
        project_set=None,
        weight=1,
        enabled=True,
        created_at_ms=1,
        state="active",
        kind=None,
        message="",
        sentence="",
        since_s=0.0,
        until_s=None,
        resting=(),
        in_flight=0,
        use=KeyUse(number, 1, NOW_MS - 1000 * number),
        hours=tuple(KeyHour(LAST_HOUR - each, number, each) for each in range(24)),
    )
    return KeyLine(view, LAST_HOUR)


Compiled = dict[str, list[int]]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Compiled:
    """The templates that were compiled meanwhile, each with the threads it was compiled on."""
    found: Compiled = {}
    compile_ = Environment.compile

    def noted(
        environment: Environment, source: Any, name: str | None = None, *more: Any, **named: Any
    ) -> Any:
        found.setdefault(str(name), []).append(threading.get_ident())
        return compile_(environment, source, name, *more, **named)

    monkeypatch.setattr(Environment, "compile", noted)
    return found


async def test_a_long_list_is_rendered_in_turns_and_is_the_same() -> None:
    renderer, page, reader = Renderer(), KeyRows(NOW_MS, tuple(map(line, range(1, 501)))), Reader()
    others_turns = 0

    async def others() -> None:
        nonlocal others_turns
        while True:
            others_turns += 1
            await asyncio.sleep(0)

    calls = asyncio.create_task(others())
    text = await renderer.render_in_turns("fragments/keys/rows.html", page, reader=reader)
    calls.cancel()

    assert text == renderer.render("fragments/keys/rows.html", page, reader=reader)
    assert text.count("<hx-partial") == 500
    assert "<b>" not in text
    assert others_turns >= 3  # some thirty, at three milliseconds each


async def test_what_is_rendered_for_the_first_time_is_compiled_on_another_thread(
    compiled: Compiled, tmp_path: Path
) -> None:
    renderer, page = Renderer(kept=KeptTemplates(SET_UP, tmp_path, writes=True)), KeyRows(NOW_MS, (line(1),))

    texts = [await renderer.render_in_turns("fragments/keys/rows.html", page) for _ in range(2)]

    assert texts[0] == texts[1]
    assert compiled.keys() >= {"fragments/keys/rows.html", "macros/key_row.html"}
    assert {len(threads) for threads in compiled.values()} == {1}
    assert threading.get_ident() not in {thread for threads in compiled.values() for thread in threads}


def test_what_is_compiled_beforehand_is_what_is_rendered(compiled: Compiled, tmp_path: Path) -> None:
    page = KeyRows(NOW_MS, (line(1),))
    compile_all(KeptTemplates(SET_UP, tmp_path, writes=True))
    count = len(compiled)
    compiled.clear()

    text = Renderer(kept=KeptTemplates(SET_UP, tmp_path)).render("fragments/keys/rows.html", page)

    assert count == len(list(tmp_path.iterdir())) == len(list(TEMPLATES.rglob("*.html")))
    assert not compiled
    unkept = Renderer(kept=KeptTemplates(SET_UP, tmp_path / "none", writes=False))
    assert text == unkept.render("fragments/keys/rows.html", page)


def test_what_one_process_compiled_others_load_in_every_language(compiled: Compiled, tmp_path: Path) -> None:
    page = KeyRows(NOW_MS, (line(1),))
    texts: dict[str, list[str]] = {}
    for _ in range(2):
        for language in LANGUAGES:
            renderer, reader = (
                Renderer(kept=KeptTemplates(SET_UP, tmp_path, writes=True)),
                Reader(language=language),
            )
            text = renderer.render("fragments/keys/rows.html", page, reader=reader)
            texts.setdefault(language, []).append(text)

    assert {len(threads) for threads in compiled.values()} == {1}
    assert [first for first, _ in texts.values()] == [second for _, second in texts.values()]
    assert len({first for first, _ in texts.values()}) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("set_up", "source", "is_compiled"),
    [("as it was", "one", False), ("as it was", "two", True), ("edited", "one", True)],
)
def test_what_was_edited_is_compiled_anew(
    compiled: Compiled, tmp_path: Path, set_up: str, source: str, is_compiled: bool
) -> None:
    def rendered(set_up: str, source: str) -> str:
        kept = KeptTemplates(set_up, tmp_path, writes=True)
        environment = Environment(loader=DictLoader({"a/b.html": source}), bytecode_cache=kept)
        return environment.get_template("a/b.html").render()

    assert rendered("as it was", "one") == "one"
    compiled.clear()

    assert rendered(set_up, source) == source
    assert bool(compiled) == is_compiled
    compiled.clear()
    assert rendered(set_up, source) == source
    assert not compiled
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"j2", None])
def test_what_is_damaged_or_cannot_be_written_is_compiled(tmp_path: Path, damage: bytes | None) -> None:
    folder = tmp_path / "kept"
    page = KeyRows(NOW_MS, (line(1),))
    Renderer(kept=KeptTemplates(SET_UP, folder, writes=True)).render("fragments/keys/rows.html", page)
    for file in folder.iterdir():
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 3] if damage is None else damage)
    nowhere = tmp_path / "a file"
    nowhere.touch()

    for kept in (
        KeptTemplates(SET_UP, folder, writes=True),
        KeptTemplates(SET_UP, nowhere, writes=True),
        KeptTemplates(SET_UP, tmp_path, writes=False),
    ):
        assert "AIza" in Renderer(kept=kept).render("fragments/keys/rows.html", page)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "kept"]


@pytest.mark.parametrize("name", sorted(path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*.html")))
def test_every_template_that_another_names_is_found(name: Path) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    parsed = Environment(extensions=["jinja2.ext.i18n"]).parse(source)

    assert names_in(source) == set(meta.find_referenced_templates(parsed))
