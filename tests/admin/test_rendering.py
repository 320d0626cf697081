"""Pages that are long, or made for the first time: the loop is free for calls meanwhile."""

import asyncio
import threading
from typing import Any

import pytest
from jinja2 import Environment

from admin.contexts.keys import KeyLine, KeyRows
from admin.readers import Reader
from admin.rendering import Renderer
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: dict[str, list[int]] = {}
    compile_ = Environment.compile

    def noted(
        environment: Environment, source: Any, name: str | None = None, *more: Any, **named: Any
    ) -> Any:
        compiled.setdefault(str(name), []).append(threading.get_ident())
        return compile_(environment, source, name, *more, **named)

    monkeypatch.setattr(Environment, "compile", noted)
    renderer, page = Renderer(), KeyRows(NOW_MS, (line(1),))

    texts = [await renderer.render_in_turns("fragments/keys/rows.html", page) for _ in range(2)]

    assert texts[0] == texts[1]
    assert compiled.keys() >= {"fragments/keys/rows.html", "macros/key_row.html"}
    assert {len(threads) for threads in compiled.values()} == {1}
    assert threading.get_ident() not in {thread for threads in compiled.values() for thread in threads}
