"""The JSON-array form of a native stream, passed on as the bytes it came in."""

from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan
from gateway.relay.stream import Stream
from gateway.streaming.json_array import JsonArraySplitter


class RawArray(Stream):
    """One array, let out each time up to the end of an element."""

    __slots__ = ("_rest", "_splitter", "_started")

    def __init__(self, plan: Plan, outlet: Outlet) -> None:
        super().__init__(plan, outlet)
        self._splitter = JsonArraySplitter()
        self._rest: list[bytes] = []  # what stands behind the last whole element
        self._started = False

    def _take_in(self, chunk: bytes) -> None:
        elements = self._elements(self._splitter, chunk)
        self._rest.append(chunk)
        if not elements:
            return
        for element in elements:
            self._see(element)
            if self.failure is not None:
                return
        came = b"".join(self._rest)
        end = 0
        for element in elements:
            # Between elements stand only commas and blanks, so the first place found is its place.
            end = came.index(element, end) + len(element)
        self._pending.append(came[:end])
        self._rest = [came[end:]]
        self._started = True

    def _end(self) -> Failure | None:
        self._claim()
        return self._conclude()

    def _deliver_rest(self) -> None:
        # An array whose bracket is missing is closed: its last element said that the model had ended.
        self._pending += self._rest if self._splitter.complete else [b"]" if self._started else b"[]"]
        self._commit()
        self._outlet.finish(b"".join(self._pending))

    def break_off(self, problem: Problem) -> None:
        self._let_out()
        self._outlet.finish(b",\r\n" + self._plan.error_tail(problem) + b"]")
