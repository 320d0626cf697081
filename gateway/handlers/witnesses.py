"""What is learned from answers on their way: what was made, and by whose key; what is no more.

Made by planners, fed by the relay; they tell control's ObjectBook.
"""

from collections.abc import Callable
from datetime import datetime

import orjson

from gateway.control.objects import ObjectBook
from gateway.handlers.planning import Asked
from gateway.pool.lease import Lease
from gateway.protocols.interactions import usage_metadata
from gateway.protocols.object_names import MADE_MEMBERS, continuation_name, made_object, spoken_of
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Settling, Witness
from gateway.streaming.top_members import TopMembers

_MEMBERS = (*MADE_MEMBERS, "expireTime", "usage", "continuation_token")
_READ_BYTES = 1024 * 1024
"""An answer that is looked through for names must be held: a longer one is not."""

WitnessFactory = Callable[[Lease], Witness]


class Making:
    """Sees a call that may make something, and remembers whose it is."""

    __slots__ = ("_collection", "_has_made", "_lease", "_members", "_objects", "_token_id", "usage")

    def __init__(self, objects: ObjectBook, token_id: int | None, collection: str, lease: Lease) -> None:
        self._objects = objects
        self._token_id = token_id
        self._collection = collection
        self._lease = lease
        self._members = TopMembers(_MEMBERS)
        self._has_made = False
        self.usage: JsonObject | None = None

    def data(self, chunk: bytes) -> None:
        self._members.feed(chunk)

    def event(self, event: JsonObject) -> None:
        interaction = event.get("interaction")
        if isinstance(interaction, dict):
            self._see(interaction)

    def end(self) -> Settling | None:
        found = self._members.found
        self.usage = usage_metadata(found.get("usage"))
        self._see(found)
        return self._objects.settle if self._has_made else None

    def _see(self, answer: JsonObject) -> None:
        self._remember(made_object(self._collection, answer), _expires_s(answer))
        token = answer.get("continuation_token")
        if isinstance(token, str):
            self._remember(continuation_name(token), None)

    def _remember(self, name: str | None, expires_s: float | None) -> None:
        if name is not None:
            self._has_made = True
            lease = self._lease
            self._objects.remember(
                name, lease.key_id, project=lease.project, token_id=self._token_id, expires_s=expires_s
            )


class Reading:
    """Sees what an operation or a batch says it has made: files that live where it lives."""

    __slots__ = ("_held", "_lease", "_objects", "_size", "_token_id", "usage")

    def __init__(self, objects: ObjectBook, token_id: int | None, lease: Lease) -> None:
        self._objects = objects
        self._token_id = token_id
        self._lease = lease
        self._held: list[bytes] = []
        self._size = 0
        self.usage: JsonObject | None = None

    def data(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= _READ_BYTES:
            self._held.append(chunk)

    def event(self, event: JsonObject) -> None:
        """Operations do not stream."""

    def end(self) -> None:
        if self._size > _READ_BYTES:
            return
        try:
            answer = orjson.loads(b"".join(self._held))
        except orjson.JSONDecodeError:
            return
        for name in spoken_of(answer):
            self._objects.learn(
                name, self._lease.key_id, project=self._lease.project, token_id=self._token_id
            )


class Removing:
    """Sees that an object was deleted."""

    __slots__ = ("_name", "_objects", "usage")

    def __init__(self, objects: ObjectBook, name: str) -> None:
        self._objects = objects
        self._name = name
        self.usage: JsonObject | None = None

    def data(self, chunk: bytes) -> None:
        """What it says does not matter."""

    def event(self, event: JsonObject) -> None:
        """Nothing streams here."""

    def end(self) -> None:
        self._objects.drop(self._name)


def making(asked: Asked, collection: str) -> WitnessFactory:
    """For a call that may make something of a collection, or whatever its answer names."""
    objects, token_id = asked.services.background.objects, asked.token.id
    return lambda lease: Making(objects, token_id, collection, lease)


def reading(asked: Asked) -> WitnessFactory:
    """For a look at an operation, whose answer may name new files."""
    objects, token_id = asked.services.background.objects, asked.token.id
    return lambda lease: Reading(objects, token_id, lease)


def removing(asked: Asked, name: str) -> WitnessFactory:
    """For a call that deletes an object."""
    objects = asked.services.background.objects
    return lambda _: Removing(objects, name)


def _expires_s(found: JsonObject) -> float | None:
    """When Google will forget what was made, in epoch seconds; None when it does not say."""
    file = found.get("file")
    text = file.get("expirationTime") if isinstance(file, dict) else found.get("expireTime")
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
