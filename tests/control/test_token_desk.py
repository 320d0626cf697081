"""What an operator does to access tokens, and what is told of their use."""

import time
from collections.abc import AsyncIterator

import pytest

from gateway.control.results import Refused
from gateway.control.token_desk import Limits, NewToken, TokenEdit
from gateway.control.undo import UNDO_S, Undo
from gateway.services import Services
from tests.control.gateways import ADMIN, ADMIN_TOKEN, built, now_ms
from tests.control.waiting import until
from tests.store.conftest import OpenStore
from tests.store.samples import call_record


@pytest.fixture
async def services(open_store: OpenStore) -> AsyncIterator[Services]:
    async with built(open_store(), TIMEZONE="UTC") as made:
        yield made


async def add(services: Services, name: str = "Alice", **more: object) -> NewToken:
    added = await services.desk.tokens.add(name, ADMIN, **more)  # type: ignore[arg-type]  # a test's own
    assert isinstance(added, NewToken)
    return added


async def test_a_generated_token_opens_the_gateway_and_is_shown_once(services: Services) -> None:
    added = await add(services)

    admitted = services.tokens.admit(added.secret)
    views = await services.desk.tokens.all()

    assert admitted is not None
    assert (admitted.id, admitted.name, admitted.limits) == (added.id, "Alice", None)
    assert len(added.secret) > 30
    assert added.secret not in repr(added) + repr(views)
    assert [(view.id, view.name) for view in views] == [(0, ""), (added.id, "Alice")]


async def test_a_token_is_renamed_limited_disabled_and_deleted_at_once(services: Services) -> None:
    added = await add(services, secret="sk-123456")
    limits = Limits(requests_per_minute=3, models=("gemini-*",), expires_at_ms=now_ms() + 10**9)

    await services.desk.tokens.change(added.id, TokenEdit(name=" Bob ", limits=limits), ADMIN)
    admitted = services.tokens.admit("sk-123456")
    assert admitted is not None
    assert admitted.name == "Bob"
    assert admitted.limits is not None
    assert (admitted.limits.requests_per_minute, admitted.limits.models) == (3, ("gemini-*",))

    await services.desk.tokens.change(added.id, TokenEdit(limits=Limits(), enabled=False), ADMIN)
    assert services.tokens.admit("sk-123456") is None
    (view,) = [each for each in await services.desk.tokens.all() if each.id]
    assert (view.enabled, view.limits) == (False, Limits())

    assert (await services.desk.tokens.delete(added.id, ADMIN)).count == 1
    assert (await services.desk.tokens.delete(added.id, ADMIN)).count == 0
    assert not await services.desk.tokens.change(added.id, TokenEdit(name="x"), ADMIN)
    assert not await services.desk.tokens.change(added.id, TokenEdit(), ADMIN)
    actions = [entry.action for entry in await services.desk.trail.latest(9)]
    assert actions == ["deleted", "changed", "changed", "added"]


async def test_a_deleted_token_comes_back_as_it_was(services: Services) -> None:
    added = await add(services, limits=Limits(requests_per_minute=3, models=("gemini-*",)))
    (before,) = [each for each in await services.desk.tokens.all() if each.id]

    deleted = await services.desk.tokens.delete(added.id, ADMIN)
    assert services.tokens.admit(added.secret) is None
    assert await services.desk.tokens.undo.holds(deleted.batch)
    assert await services.desk.tokens.undo_delete(deleted.batch, ADMIN) == 1

    admitted = services.tokens.admit(added.secret)
    assert admitted is not None
    assert admitted.limits is not None
    assert [each for each in await services.desk.tokens.all() if each.id] == [before]
    assert await services.desk.tokens.undo_delete(deleted.batch, ADMIN) == 0
    assert not await services.desk.tokens.undo.holds(deleted.batch)
    actions = [entry.action for entry in await services.desk.trail.latest(9)]
    assert actions == ["restored", "deleted", "added"]


async def test_a_token_deleted_long_ago_stays_away(services: Services) -> None:
    added = await add(services)
    deleted = await services.desk.tokens.delete(added.id, ADMIN)

    late = Undo(services.store, services.store.deleted_tokens, wall_s=lambda: time.time() + UNDO_S + 1)

    assert await services.desk.tokens.undo.prune() == 0
    assert await late.prune() == 1
    assert await services.desk.tokens.undo_delete(deleted.batch, ADMIN) == 0


@pytest.mark.parametrize(
    ("secret", "limits", "field"),
    [
        ("short", Limits(), "secret"),
        ("two words here", Limits(), "secret"),
        ("密钥密钥密钥密钥", Limits(), "secret"),
        (ADMIN_TOKEN, Limits(), "secret"),
        ("", Limits(requests_per_minute=-1), "requests_per_minute"),
        ("", Limits(tokens_per_day=10**13), "tokens_per_day"),
        ("", Limits(models=("a b",)), "models"),
        ("", Limits(models=("",)), "models"),
        ("", Limits(expires_at_ms=0), "expires_at_ms"),
    ],
)
async def test_what_is_wrong_is_said_by_its_field(
    services: Services, secret: str, limits: Limits, field: str
) -> None:
    refused = await services.desk.tokens.add("x", ADMIN, secret=secret, limits=limits)

    assert isinstance(refused, Refused)
    assert [error.field for error in refused.errors] == [field]
    assert len(services.tokens) == 0


async def test_a_name_may_not_be_endless_and_a_secret_not_be_there_twice(services: Services) -> None:
    await add(services, secret="sk-123456")

    named = await services.desk.tokens.add("n" * 101, ADMIN)
    twice = await services.desk.tokens.add("x", ADMIN, secret="sk-123456")

    assert isinstance(named, Refused)
    assert isinstance(twice, Refused)
    assert (named.errors[0].field, twice.errors[0].field) == ("name", "secret")


async def test_a_revealed_token_is_noted(services: Services) -> None:
    added = await add(services)

    assert await services.desk.tokens.reveal(added.id, ADMIN) == added.secret
    assert await services.desk.tokens.reveal(99, ADMIN) is None
    (entry, *_) = await services.desk.trail.latest(1)
    assert (entry.action, added.secret in entry.detail) == ("revealed", False)


async def test_use_is_told_by_token_and_model(services: Services) -> None:
    added = await add(services)
    for token_id, model, outcome in (
        (added.id, "a", "success"),
        (added.id, "a", "rate_limited"),
        (added.id, "b", "success"),
        (None, "a", "success"),
    ):
        services.store.records.put(
            call_record(
                token_id=token_id,
                model=model,
                outcome=outcome,
                started_at_ms=now_ms(),
                duration_ms=0,
                total_tokens=10,
            )
        )
    await until(lambda: services.store.health().written == 4)

    admin, alice = await services.desk.tokens.all()
    models = await services.desk.tokens.models(added.id)

    assert (admin.today.calls, alice.today.calls, alice.today.total_tokens, alice.failed) == (1, 3, 30, 1)
    assert alice.last_used_ms > now_ms() - 2 * 3_600_000
    assert [(each.model, each.calls, each.tokens) for each in models] == [("a", 2, 20), ("b", 1, 10)]
