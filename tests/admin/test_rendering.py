"""Pages that are long: the loop is free for calls while they are made."""

import asyncio

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
