"""Holds the snapshot of live settings that calls are served with. One per process, for the loop's thread.

Reading `.current` costs an attribute; a call reads it once and keeps its snapshot to its end.
"""

from collections.abc import Callable

from gateway.settings.model import LiveSettings

Listener = Callable[[LiveSettings, LiveSettings], None]
"""Called with (old, new) after each swap; must not raise."""


class LiveHolder:
    """The current snapshot, and who wants to know when it changes."""

    __slots__ = ("_listeners", "current")

    def __init__(self, settings: LiveSettings) -> None:
        self.current = settings
        self._listeners: list[Listener] = []

    def swap(self, new: LiveSettings) -> None:
        """Make `new` the snapshot and tell the listeners in the order they came; nothing when it is equal."""
        old = self.current
        if new == old:
            return
        self.current = new
        for listener in tuple(self._listeners):
            listener(old, new)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called after each swap; gives the function that ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe
