"""Calls that name objects are bound to the one key, or the one project, that can reach them all."""

from types import SimpleNamespace
from typing import cast

import pytest

from gateway.control.tokens import Token
from gateway.errors import BadRequest
from gateway.handlers.attachments import MOST_FILES, find_files
from gateway.handlers.binding import bound
from gateway.handlers.own_objects import object_plan
from gateway.handlers.planning import Asked
from gateway.relay.plan import Pin
from gateway.store.records import BoundObject

PLAN = object_plan("files", "files/a")


def asked(*, token_id: int | None = 1, isolated: bool = True) -> Asked:
    """As much of a request as binding looks at."""
    settings = SimpleNamespace(files_user_isolation_enabled=isolated)
    services = SimpleNamespace(live=SimpleNamespace(current=settings))
    token = Token(token_id, "alice", is_admin=token_id is None)
    return cast("Asked", SimpleNamespace(token=token, services=services))


def made(name: str, key_id: int, project: str | None = None, *, token_id: int | None = 1) -> BoundObject:
    return BoundObject(name, key_id, project, token_id=token_id)


@pytest.mark.parametrize(
    ("entries", "pin"),
    [
        ([], None),
        ([made("files/a", 7)], Pin(7)),
        ([made("files/a", 7), made("cachedContents/b", 7)], Pin(7)),
        ([made("files/a", 7, "p"), made("files/b", 8, "p")], Pin(7, "p")),
    ],
)
def test_what_lives_together_is_asked_together(entries: list[BoundObject], pin: Pin | None) -> None:
    assert bound(asked(), PLAN, entries).pin == pin


@pytest.mark.parametrize(("first", "second"), [(None, None), ("p", "q"), ("p", None), (None, "p")])
def test_what_lives_apart_cannot_be_asked_together(first: str | None, second: str | None) -> None:
    with pytest.raises(BadRequest, match=r"files/a and files/b live in two different Google projects"):
        bound(asked(), PLAN, [made("files/a", 7, first), made("files/b", 8, second)])


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("files/a", 403, "You do not have permission to access the File a"),
        ("cachedContents/a", 403, "CachedContent not found"),
        ("batches/a", 404, "Requested entity was not found"),
    ],
)
def test_another_token_s_object_is_refused_in_google_s_words(name: str, status: int, words: str) -> None:
    entry = made(name, 7, token_id=2)

    with pytest.raises(BadRequest, match=words) as caught:
        bound(asked(), PLAN, [entry])

    assert caught.value.status == status
    assert bound(asked(isolated=False), PLAN, [entry]).pin == Pin(7)
    assert bound(asked(token_id=None), PLAN, [entry]).pin == Pin(7)


async def test_a_request_may_name_so_many_files() -> None:
    with pytest.raises(BadRequest, match=f"at most {MOST_FILES} files"):
        await find_files(asked(), [f"file-{number}" for number in range(MOST_FILES + 1)])
