"""The last change wins, over restarts: what the environment says counts when it is new."""

from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child, assert_clean

FIRST_ADMIN, SECOND_ADMIN = "sk-admin-the-first", "sk-admin-the-second"
ALICE, BOB = "sk-token-of-alice", "sk-token-of-bob"
KEYS = ("key-number-one-of-any-shape", "key-number-two-of-any-shape")


def test_the_environment_is_followed_from_start_to_start(tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    base = {"BASE_URL": fake_upstream.url}
    full = {"API_KEYS": KEYS[0], "ALLOWED_TOKENS": f"{ALICE},{BOB}", "AUTH_TOKEN": FIRST_ADMIN, **base}
    outputs = []

    with Child(tmp_path, settings=full) as gateway:
        assert admitted(gateway) == {ALICE, BOB, FIRST_ADMIN}
        gateway.stop()
        outputs.append(gateway.output)

    # A new password in the environment works at once; a token taken out of its list stops working.
    changed = {**full, "AUTH_TOKEN": SECOND_ADMIN, "ALLOWED_TOKENS": ALICE, "API_KEYS": KEYS[1]}
    with Child(tmp_path, settings=changed) as gateway:
        assert admitted(gateway) == {ALICE, SECOND_ADMIN}
        assert gateway.get("/metrics", token=SECOND_ADMIN).status == 200
        assert gateway.get("/metrics", token=ALICE).status == 401
        assert fake_upstream.requests[-1].key == KEYS[1]
        change = gateway.event("setting_changed_by_environment")
        assert change is not None
        assert "AUTH_TOKEN" in change["change"]
        gateway.stop()
        outputs.append(gateway.output)

    # A new machine with nothing but the database has everything.
    with Child(tmp_path) as gateway:
        assert admitted(gateway) == {ALICE, SECOND_ADMIN}
        assert fake_upstream.requests[-1].key == KEYS[1]
        gateway.stop()
        outputs.append(gateway.output)

    assert_clean("".join(outputs), FIRST_ADMIN, SECOND_ADMIN, ALICE, BOB, *KEYS)


def admitted(gateway: Child) -> set[str]:
    """Give the tokens that open the gateway."""
    return {
        token
        for token in (FIRST_ADMIN, SECOND_ADMIN, ALICE, BOB)
        if gateway.generate(token=token).status == 200
    }


@pytest.mark.parametrize("kind", ["first_of_the_list", "made_up"])
def test_without_auth_token_the_first_client_token_rules(kind: str, tmp_path: Path) -> None:
    settings = {"ALLOWED_TOKENS": f"{ALICE},{BOB}"} if kind == "first_of_the_list" else {}
    with Child(tmp_path, settings=settings) as gateway:
        rules = gateway.get("/metrics", token=ALICE).status == 200
        shown = "It is shown only now" in gateway.output
        assert gateway.get("/metrics", token=BOB).status == 401

    assert (rules, shown) == ((True, False) if settings else (False, True))
