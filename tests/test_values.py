"""Values made by a function are those that their class makes."""

from dataclasses import fields, replace

import pytest

from gateway.protocols.context import ReplyContext
from gateway.protocols.openai_request import ChatCall
from gateway.protocols.reply_signs import ReplySigns
from gateway.relay.plan import Plan
from gateway.values import maker, remaker, value


@value(frozen=True, slots=True)
class _Point:
    x: int
    y: int = 2
    name: str = ""


def test_a_value_is_made_as_its_class_makes_it() -> None:
    make = maker(_Point)

    assert make(1) == _Point(1)
    assert make(1, 3, name="a") == _Point(1, 3, "a")
    assert make(y=5, x=4) == _Point(4, 5)
    assert type(make(1)) is _Point


def test_a_value_is_made_from_another_as_replacing_makes_it() -> None:
    moved = remaker(_Point, "y", "x")
    point = _Point(1, 2, "a")

    assert moved(point, 5, 4) == replace(point, y=5, x=4)
    assert point == _Point(1, 2, "a")


def test_what_its_class_refuses_is_refused() -> None:
    make = maker(_Point)

    with pytest.raises(TypeError, match="x"):
        make()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="z"):
        make(1, z=2)  # type: ignore[call-arg]


@pytest.mark.parametrize("made", [ChatCall, Plan, ReplyContext, ReplySigns])
def test_every_field_is_set(made: type) -> None:
    given = {field.name: object() for field in fields(made)}

    value_made = maker(made)(**given)

    assert {name: getattr(value_made, name) for name in given} == given
