"""How a request is changed where the upstream refuses it, and what that teaches about the model.

One object a call: `RequestMending` for what was translated, whatever the dialect, `AdditionsMending` for
native bodies. The changes themselves are in protocols/request_repairs.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.protocols.failures import Failure
from gateway.protocols.request_repairs import (
    ADDITIONS,
    NOTHING_LEARNED,
    Lessons,
    repaired,
    with_lessons,
    without_addition,
)
from gateway.protocols.shapes import GenerateContentRequest
from gateway.relay.lessons import LessonBook


class RequestMending:
    """Holds a request as it was changed last, and beside it the same without the operator's additions.

    bare    the request without what the operator's settings added to it
    encode  makes the bytes to send
    """

    __slots__ = ("_bare", "_book", "_encode", "_lessons", "_model", "_request", "_wall_s")

    def __init__(
        self,
        request: GenerateContentRequest,
        bare: GenerateContentRequest,
        model: str,
        book: LessonBook,
        wall_s: Callable[[], float],
        encode: Callable[[GenerateContentRequest], bytes],
    ) -> None:
        self._model = model
        self._book = book
        self._wall_s = wall_s
        self._encode = encode
        self._lessons = book.of(model, wall_s())
        self._request, self._bare = request, bare
        if self._lessons is not NOTHING_LEARNED:
            for repair in self._lessons.additions:
                request = without_addition(request, repair, bare=bare) or request
            self._request = with_lessons(request, self._lessons)
            self._bare = with_lessons(bare, self._lessons)

    def body(self) -> bytes:
        """The bytes to send first: changed already as far as the model is known."""
        return self._encode(self._request)

    def mend(self, failure: Failure) -> bytes | None:
        repair = failure.repair
        if repair is None:
            return None
        without = without_addition(self._request, repair, bare=self._bare)
        if without is not None:
            self._lessons = replace(self._lessons, additions=self._lessons.additions | {repair})
            self._request = without
            return self.body()
        lessons = self._lessons.with_refusal(self._request, repair)
        changed = repaired(self._request, repair, refused_levels=lessons.levels)
        if changed is None:
            return None
        self._lessons, self._request = lessons, changed
        self._bare = repaired(self._bare, repair, refused_levels=lessons.levels) or self._bare
        return self.body()

    def worked(self) -> None:
        """What was changed has been answered: what the refusals said of the model is true."""
        self._book.learn(self._model, self._lessons, self._wall_s())


class AdditionsMending:
    """Takes out of a native body what the operator's settings added; what the client said is never touched.

    bare   the body without it
    book   of native bodies: what is learned here says nothing of translated ones
    """

    __slots__ = ("_bare", "_book", "_model", "_wall_s")

    def __init__(self, bare: bytes, *, model: str, book: LessonBook, wall_s: Callable[[], float]) -> None:
        self._bare: bytes | None = bare
        self._model = model
        self._book = book
        self._wall_s = wall_s

    def mend(self, failure: Failure) -> bytes | None:
        """The bare body, once; the failure names a repair, so it may be about an addition."""
        if failure.repair is None:
            return None
        bare, self._bare = self._bare, None
        return bare

    def worked(self) -> None:
        """The bare body has been answered: the model refuses the additions."""
        self._book.learn(self._model, Lessons(additions=frozenset(ADDITIONS)), self._wall_s())
