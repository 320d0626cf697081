"""The last change wins, told as stories: each step is a start of the gateway or an edit in the admin page."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.catalogue import BY_NAME
from gateway.settings.fingerprints import canonical, fingerprint
from gateway.settings.model import LiveSettings
from gateway.settings.resolution import Origin, Resolution, RowPlan, SettingRow, Stored, merge_rows, resolve
from gateway.settings.sources import read_sources


def counting_salt() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"salt{next(numbers)}"


@dataclass
class Machine:
    """A database, and gateways that start on it one after the other."""

    stored: dict[str, Stored] = field(default_factory=dict)
    new_salt: Callable[[], str] = field(default_factory=counting_salt)

    def start(self, **environ: str) -> Resolution:
        sources = read_sources(environ)
        resolution = resolve(
            sources.live, self.stored, allowed_tokens=sources.rows.allowed_tokens, new_salt=self.new_salt
        )
        self.write(resolution.to_store)
        return resolution

    def write(self, rows: Iterable[SettingRow]) -> None:
        self.stored |= {row.name: Stored(row.value, row.fingerprint, row.origin) for row in rows}

    def edit(self, name: str, value: object) -> None:
        before = self.stored.get(name)
        self.stored[name] = Stored(canonical(value), before.fingerprint if before else None, Origin.ADMIN)


START, EDIT = "start", "edit"

STORIES: dict[str, list[tuple[str, str | None, str, Origin]]] = {
    # (step, the environment's or the admin's value, what then counts, where it comes from)
    "the environment fills an empty database": [(START, "5", "5", Origin.ENVIRONMENT)],
    "unset is the default and is not stored": [(START, None, "3", Origin.DEFAULT)],
    "a value outlives its removal from the environment": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (START, None, "5", Origin.ENVIRONMENT),
    ],
    "an edit outlives restarts with the same environment": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, "5", "7", Origin.ADMIN),
        (START, "5", "7", Origin.ADMIN),
    ],
    "a new value in the environment wins over an edit": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, "6", "6", Origin.ENVIRONMENT),
        (START, "6", "6", Origin.ENVIRONMENT),
    ],
    "an edit wins over a value the environment won with": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (START, "6", "6", Origin.ENVIRONMENT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, "6", "7", Origin.ADMIN),
    ],
    "an edit outlives removal and return of the same environment": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, None, "7", Origin.ADMIN),
        (START, "5", "7", Origin.ADMIN),
    ],
    "going back to an older value is a change": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (START, "6", "6", Origin.ENVIRONMENT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, "5", "5", Origin.ENVIRONMENT),
    ],
    "a first value in the environment wins over an earlier edit": [
        (START, None, "3", Origin.DEFAULT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, "5", "5", Origin.ENVIRONMENT),
    ],
    "the same value written otherwise is no change": [
        (START, "5", "5", Origin.ENVIRONMENT),
        (EDIT, "7", "7", Origin.ADMIN),
        (START, ' "5" ', "7", Origin.ADMIN),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_the_last_change_wins(story: str) -> None:
    machine = Machine()
    for step, value, expected, origin in STORIES[story]:
        if step == EDIT:
            assert value is not None
            machine.edit("MAX_RETRIES", int(value))
            resolution = resolve({}, machine.stored)
        else:
            resolution = machine.start(**({} if value is None else {"MAX_RETRIES": value}))
        assert resolution.settings.max_retries == int(expected)
        assert resolution.origins["MAX_RETRIES"] is origin


def test_a_start_that_changes_nothing_writes_nothing_and_says_nothing() -> None:
    machine = Machine()
    environ = {"AUTH_TOKEN": "tok", "MAX_RETRIES": "5", "PROXIES": "h:1", "CUSTOM_HEADERS": "B:1,A:2"}
    first = machine.start(**environ)
    assert {row.name for row in first.to_store} == set(environ)
    assert first.changes == ()
    again = machine.start(**{**environ, "CUSTOM_HEADERS": "A:2,B:1"})
    assert (again.to_store, again.changes, again.warnings) == ((), (), ())
    assert again.settings == first.settings


def test_a_new_machine_needs_only_the_database() -> None:
    machine = Machine()
    first = machine.start(AUTH_TOKEN="tok", MAX_RETRIES="5", CUSTOM_HEADERS='{"X-A":"1"}', TIME_OUT="30")
    assert machine.start().settings == first.settings


def test_a_change_by_the_environment_is_told_with_both_values() -> None:
    machine = Machine()
    machine.start(MAX_RETRIES="5")
    machine.edit("MAX_RETRIES", 7)
    assert machine.start(MAX_RETRIES="6").changes == (
        "MAX_RETRIES changed from 7 to 6: the environment's value is new and wins over the value from admin.",
    )


def test_a_change_of_a_secret_is_told_without_values() -> None:
    machine = Machine()
    machine.start(AUTH_TOKEN="hush1", PROXIES="http://u:hush@h")
    resolution = machine.start(AUTH_TOKEN="hush2", PROXIES="http://u:hush@g")
    assert resolution.settings.auth_token == "hush2"
    assert [line.split()[0] for line in resolution.changes] == ["AUTH_TOKEN", "PROXIES"]
    assert "hush" not in "".join(resolution.changes)


def test_nothing_of_a_resolution_shows_a_secret() -> None:
    machine = Machine()
    shown = repr(machine.start(AUTH_TOKEN="hush", METRICS_TOKEN="hush")) + repr(machine.stored)
    assert "hush" not in shown
    assert all(row.secret for row in Machine().start(AUTH_TOKEN="hush").to_store)


@pytest.mark.parametrize("value", ["101", '"many"', "not json", "null", "[]", ""])
def test_a_stored_value_that_cannot_be_used_is_left_out_with_a_warning(value: str) -> None:
    resolution = resolve({}, {"MAX_RETRIES": Stored(value, None, Origin.ADMIN)})
    assert resolution.settings.max_retries == 3
    assert resolution.origins["MAX_RETRIES"] is Origin.DEFAULT
    (warning,) = resolution.warnings
    assert warning.startswith("MAX_RETRIES in the database ")


def test_the_environment_stands_in_for_a_stored_value_that_cannot_be_used() -> None:
    machine = Machine()
    machine.start(MAX_RETRIES="5")
    machine.edit("MAX_RETRIES", 101)
    healed = machine.start(MAX_RETRIES="5")
    assert healed.settings.max_retries == 5
    assert len(healed.warnings) == 1
    assert machine.start().settings.max_retries == 5


def test_a_row_of_a_setting_we_do_not_know_is_left_alone() -> None:
    resolution = resolve({}, {"FROM_A_LATER_VERSION": Stored("1", None, Origin.ADMIN)})
    assert (resolution.to_store, resolution.warnings) == ((), ())


def test_without_any_token_the_caller_makes_one_up_and_it_lasts() -> None:
    machine = Machine()
    resolution = machine.start()
    assert resolution.needs_admin_token
    made_up = resolution.with_admin_token("made-up")
    assert (made_up.settings.auth_token, made_up.needs_admin_token) == ("made-up", False)
    assert made_up.origins["AUTH_TOKEN"] is Origin.GENERATED
    assert "made-up" not in repr(made_up)
    machine.write(made_up.to_store)
    later = machine.start()
    assert (later.settings.auth_token, later.needs_admin_token) == ("made-up", False)


TOKEN_STORIES: dict[str, list[tuple[dict[str, str], str]]] = {
    # ({environment}, or {"edit": token}; the admin token that then counts, "" for one to be made up)
    "the first of ALLOWED_TOKENS is the admin token": [({"ALLOWED_TOKENS": "a,b"}, "a")],
    "AUTH_TOKEN comes before ALLOWED_TOKENS": [({"ALLOWED_TOKENS": "a,b", "AUTH_TOKEN": "t"}, "t")],
    "a derived token moves to a new machine": [({"ALLOWED_TOKENS": "a"}, "a"), ({}, "a")],
    "a derived token follows the list": [({"ALLOWED_TOKENS": "a,b"}, "a"), ({"ALLOWED_TOKENS": "b"}, "b")],
    "a list emptied on purpose takes the derived token with it": [
        ({"ALLOWED_TOKENS": "a"}, "a"),
        ({"ALLOWED_TOKENS": "[]"}, ""),
    ],
    "a list emptied on purpose leaves a chosen token": [
        ({"ALLOWED_TOKENS": "a", "AUTH_TOKEN": "t"}, "t"),
        ({"ALLOWED_TOKENS": "[]"}, "t"),
    ],
    "an edit is not overruled by the list": [
        ({"ALLOWED_TOKENS": "a"}, "a"),
        ({"edit": "mine"}, "mine"),
        ({"ALLOWED_TOKENS": "c,a"}, "mine"),
    ],
    "an edit is overruled by a new AUTH_TOKEN": [
        ({"ALLOWED_TOKENS": "a"}, "a"),
        ({"edit": "mine"}, "mine"),
        ({"ALLOWED_TOKENS": "a", "AUTH_TOKEN": "t"}, "t"),
    ],
    "a token once set is not lost to the list": [
        ({"AUTH_TOKEN": "t", "ALLOWED_TOKENS": "a"}, "t"),
        ({"ALLOWED_TOKENS": "a"}, "t"),
    ],
}


@pytest.mark.parametrize("story", TOKEN_STORIES)
def test_the_admin_token_comes_from_where_people_expect(story: str) -> None:
    machine = Machine()
    for environ, expected in TOKEN_STORIES[story]:
        if "edit" in environ:
            machine.edit("AUTH_TOKEN", environ["edit"])
            resolution = resolve({}, machine.stored)
        else:
            resolution = machine.start(**environ)
        assert resolution.settings.auth_token == expected
        assert resolution.needs_admin_token is (expected == "")


def test_the_list_replaces_a_token_that_was_made_up_and_says_so() -> None:
    machine = Machine()
    machine.write(machine.start().with_admin_token("made-up").to_store)
    resolution = machine.start(ALLOWED_TOKENS="a")
    assert resolution.settings.auth_token == "a"
    (change,) = resolution.changes
    assert change.startswith("AUTH_TOKEN changed: the first of ALLOWED_TOKENS is new")
    assert "made-up" not in change


def test_the_fingerprint_of_a_value_never_changes_between_versions() -> None:
    """Were it to, every upgrade would overrule what was edited in the admin page."""
    known = {
        ("MAX_RETRIES", 5): "s$8ee8a915657d1e0b7dd3509c0ab11ed2f630f2bf1442fd1f4e137011f841f217",
        ("BASE_URL", "https://host/v1"): "s$438124eea93c7d94103df04eef7d503c65abee3c21a9959e7a30f9b9dd01d295",
        ("AUTH_TOKEN", "tok"): "s$8bac5917ad87bd597ae0596195b510f5c3a9947aa1be0d1f21478aae1276e87f",
        ("API_KEYS", ("a", "b")): "s$311651c5b5adf225a3064b9767906f5834e8cb789e731e93794249b341b41bd4",
    }
    assert {key: fingerprint(BY_NAME[key[0]], key[1], "s") for key in known} == known


def test_equal_secrets_have_different_fingerprints() -> None:
    rows = Machine().start(AUTH_TOKEN="tok", METRICS_TOKEN="tok").to_store
    other = Machine(new_salt=lambda: "other").start(AUTH_TOKEN="tok").to_store
    marks = [row.fingerprint for row in (*rows, *other)]
    assert len(set(marks)) == 3


@given(
    st.builds(
        LiveSettings,
        max_retries=st.integers(0, 100),
        time_out=st.floats(1, 86400),
        proxies=st.just(("http://h",)),
    )
)
def test_what_is_stored_is_read_back_the_same(live: LiveSettings) -> None:
    stored = {
        name: Stored(canonical(getattr(live, each.attribute)), None, Origin.ADMIN)
        for name, each in BY_NAME.items()
        if each.model is LiveSettings
    }
    resolution = resolve({}, stored)
    assert resolution.settings == live
    assert resolution.warnings == ()


# ---- rows


ROW_STORIES: dict[str, tuple[str, dict[str, Origin], tuple[str, ...], tuple[str, ...]]] = {
    # the environment's new list (the old one was "a,b"), the rows, what is added, what is removed
    "a new one is added": ("a,b,c", {"a": Origin.ENVIRONMENT, "b": Origin.ENVIRONMENT}, ("c",), ()),
    "one taken out is removed": ("b", {"a": Origin.ENVIRONMENT, "b": Origin.ENVIRONMENT}, (), ("a",)),
    "one of the admin stays": ("c", {"a": Origin.ENVIRONMENT, "z": Origin.ADMIN}, ("c",), ("a",)),
    "one the admin had already is not added": ("a,z", {"a": Origin.ENVIRONMENT, "z": Origin.ADMIN}, (), ()),
    "an empty list removes its own": ("[]", {"a": Origin.ENVIRONMENT, "z": Origin.ADMIN}, (), ("a",)),
    "additions keep the list's order": ("d,c,a,b", {"a": Origin.ENVIRONMENT}, ("d", "c", "b"), ()),
}


def first_merge() -> RowPlan:
    return merge_rows("API_KEYS", ("a", "b"), None, [], new_salt=lambda: "s")


@pytest.mark.parametrize("story", ROW_STORIES)
def test_a_changed_list_is_merged_into_its_rows(story: str) -> None:
    text, rows, add, remove = ROW_STORIES[story]
    listed = read_sources({"API_KEYS": text}).rows.api_keys
    plan = merge_rows("API_KEYS", listed, first_merge().fingerprint, rows.items())
    assert (plan.add, plan.remove) == (add, remove)
    assert plan.fingerprint not in (None, first_merge().fingerprint)


def test_the_first_merge_adds_everything() -> None:
    plan = first_merge()
    assert (plan.add, plan.remove) == (("a", "b"), ())
    assert "'a'" not in repr(plan)


@pytest.mark.parametrize("listed", [None, ("a", "b"), ("b", "a"), ("a", "b", "a")])
def test_a_list_that_is_unset_or_the_same_changes_nothing(listed: tuple[str, ...] | None) -> None:
    rows = {"a": Origin.ENVIRONMENT}  # the admin removed b: it stays removed
    assert merge_rows("API_KEYS", listed, first_merge().fingerprint, rows.items()) == RowPlan()


def test_rows_may_be_known_by_something_else_than_their_value() -> None:
    plan = merge_rows(
        "ALLOWED_TOKENS",
        ("a", "c"),
        first_merge().fingerprint,
        [("hash-of-a", Origin.ENVIRONMENT), ("hash-of-b", Origin.ENVIRONMENT)],
        identity=lambda token: f"hash-of-{token}",
    )
    assert (plan.add, plan.remove) == (("c",), ("hash-of-b",))
