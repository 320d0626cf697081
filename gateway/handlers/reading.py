"""What a call route reads in a request's head: read once where the front gives the same head again.

Pure reading; whether a token may come in, and what the settings say, is asked for each request.
"""

from gateway.handlers.answers import given_id
from gateway.handlers.credentials import presented, query_value
from gateway.handlers.planning import Planner
from gateway.protocols.paths import Api, Route
from gateway.serving.light import RequestHead

# Plain name: an enum's attribute is looked up by a function in Python.
_SHARED = Api.SHARED


class Reading:
    """A head as the call routes understand it.

    given_id   the caller's own request id, "" without a sane one
    secrets    what it presents, in order
    planner    who plans its calls, once that is known; it may keep what it makes of the head
    """

    __slots__ = ("api", "given_id", "planner", "route", "secrets")

    def __init__(self, head: RequestHead, route: Route) -> None:
        self.route = route
        self.api = dialect_of(route.api, head)
        self.given_id = given_id(head.headers)
        self.secrets = tuple(presented(head.headers, head.query))
        self.planner: Planner | None = None


def read_head(head: RequestHead, route: Route) -> Reading:
    """The reading of a head; its path means something else when a setting has changed."""
    reading = head.reading
    if type(reading) is not Reading or reading.route is not route:
        reading = head.reading = Reading(head, route)
    return reading


def dialect_of(api: Api, head: RequestHead) -> Api:
    """Tell the APIs apart on the paths they share (`/v1/models`), by what only their own clients send."""
    if api is not _SHARED:
        return api
    headers = head.headers
    if "anthropic-version" in headers:
        return Api.ANTHROPIC
    if "x-goog-api-key" in headers or "x-goog-api-client" in headers:
        return Api.GEMINI
    query = head.query
    if any(query_value(query, name) for name in ("key", "pageSize", "pageToken")):
        return Api.GEMINI
    return Api.OPENAI
