"""What lives in one project of the simulated Gemini: files, caches, batches, stores, interactions.

A name of another project's is refused as Google does it, which is how a pool that asks with the wrong key
is found out. Bounded: the oldest of a project's things go when there are too many.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.simulator.error_bodies import (
    ErrorAnswer,
    cache_forbidden,
    entity_not_found,
    file_forbidden,
    interaction_error,
)
from gateway.simulator.field_names import RefusedError
from gateway.simulator.phrases import pick

_MAX_THINGS = 1000
FILE_ADDRESS = "https://generativelanguage.googleapis.com/v1beta/"


@dataclass(slots=True)
class Belonging:
    """One thing.

    shown     as the API shows it
    content   a file's bytes, a cache's request, a batch's answers
    """

    project: str
    shown: dict[str, Any]
    content: Any = None


@dataclass(slots=True)
class Belongings:
    """Everything that was made, by name: `files/abc`."""

    seed: int
    _things: dict[str, Belonging] = field(default_factory=dict)
    _count: int = 0

    def new_id(self, collection: str) -> str:
        self._count += 1
        return f"{pick(self.seed, collection, self._count):016x}"[:12]

    def add(self, name: str, thing: Belonging) -> Belonging:
        self._things[name] = thing
        if len(self._things) > _MAX_THINGS:
            del self._things[next(iter(self._things))]
        return thing

    def get(self, name: str, project: str) -> Belonging:
        """Give a project's own thing. Raises RefusedError."""
        thing = self._things.get(name)
        if thing is None or thing.project != project:
            raise RefusedError(_refusal(name))
        return thing

    def listed(self, collection: str, project: str) -> list[Belonging]:
        """Give a project's things of a collection (with its slash), the latest first."""
        found = [
            thing
            for name, thing in self._things.items()
            if name.startswith(collection) and "/" not in name[len(collection) :] and thing.project == project
        ]
        return found[::-1]

    def remove(self, name: str, project: str) -> None:
        """Remove a thing. Raises RefusedError."""
        self.get(name, project)
        del self._things[name]


def timestamp(at_s: float) -> str:
    """Write a moment as Google does."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _refusal(name: str) -> ErrorAnswer:
    collection, _, thing_id = name.partition("/")
    if collection == "files":
        return file_forbidden(thing_id)
    if collection == "cachedContents":
        return cache_forbidden()
    if collection == "interactions":
        return interaction_error(404, "not_found", f"Interaction {thing_id} not found.")
    return entity_not_found(name)
