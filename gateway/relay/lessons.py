"""What models were found to refuse: bounded, and forgotten after a day, because models learn too.

Written by mending.py after a changed request was answered, read before the next one is sent.
"""

from gateway.protocols.request_repairs import NOTHING_LEARNED, Lessons


class LessonBook:
    """Lessons by model name. When it is full the model learned of first goes."""

    __slots__ = ("_entries", "_max_age_s", "_max_models")

    def __init__(self, *, max_models: int = 500, max_age_s: float = 86_400.0) -> None:
        self._max_models = max_models
        self._max_age_s = max_age_s
        self._entries: dict[str, tuple[Lessons, float]] = {}  # in the order of learning

    def of(self, model: str, now_s: float) -> Lessons:
        """What is known of a model; `now_s` in epoch seconds."""
        entry = self._entries.get(model)
        if entry is None:
            return NOTHING_LEARNED
        lessons, learned_s = entry
        if now_s - learned_s <= self._max_age_s:
            return lessons
        del self._entries[model]
        return NOTHING_LEARNED

    def learn(self, model: str, lessons: Lessons, now_s: float) -> None:
        """Remember what was found out about a model, for a day from now."""
        known = self.of(model, now_s)
        if (all_known := known.joined(lessons)) == known:
            return
        entries = self._entries
        entries.pop(model, None)
        entries[model] = (all_known, now_s)
        while len(entries) > self._max_models:
            del entries[next(iter(entries))]
