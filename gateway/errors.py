"""The exceptions of the gateway: one tree, each with a name an operator can search for.

A library's error is turned into one of these at the door it came in by. What a *client* is
told is not decided here but by the dialect's error bodies (gateway/protocols/error_bodies.py).
"""


class GatewayError(Exception):
    """The root of everything the gateway raises on purpose."""


class StartupError(GatewayError):
    """The process cannot start; the text tells the operator what to change."""


class SettingsError(StartupError):
    """A setting has no usable value; the text names the setting and where it was read."""


class StoreError(GatewayError):
    """The database did not do what was asked."""


class StoreUnavailable(StoreError, StartupError):
    """The database cannot be reached or refuses us; the text says so in words a person understands."""


class BadRequest(GatewayError):
    """The client's request cannot be understood.

    status   the HTTP status to answer (400, 404, 405, 413, 415)
    param    the field at fault in the client's own terms, or None
    code     a short machine-readable name, or None for the dialect's usual one
    """

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code
