"""What may be said of keys and changed about them: values, and what is wrong with them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.control.key_views import PROVIDERS
from gateway.control.results import FieldError, Refused

MOST_TAGS, MAX_TAG_CHARS = 20, 40
MAX_NOTE_CHARS, MAX_PROJECT_CHARS = 2_000, 128
LOWEST_WEIGHT, HIGHEST_WEIGHT = 1, 100


@dataclass(frozen=True, slots=True)
class NewKeys:
    """What pasted keys have in common."""

    provider: str = "gemini"
    note: str = ""
    tags: tuple[str, ...] = ()
    project: str = ""
    weight: int = 1
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class KeyEdit:
    """What to change; None leaves a thing as it is, "" takes a project off."""

    enabled: bool | None = None
    note: str | None = None
    project: str | None = None
    weight: int | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


def check_edit(edit: KeyEdit) -> Refused | None:
    """Say what is wrong with an edit, before anything changes."""
    tags = (*(edit.tags or ()), *edit.add_tags, *edit.remove_tags)
    return Refused.of(_label_errors(tags, edit.note or "", edit.project or "", edit.weight))


def check_new(new: NewKeys) -> list[FieldError]:
    """Say what is wrong with what new keys have in common."""
    errors = _label_errors(new.tags, new.note, new.project, new.weight)
    if new.provider not in PROVIDERS:
        errors.append(FieldError("provider", "must be one of %(choices)s", {"choices": ", ".join(PROVIDERS)}))
    return errors


def _label_errors(tags: Sequence[str], note: str, project: str, weight: int | None) -> list[FieldError]:
    errors = []
    if len(tags) > MOST_TAGS:
        errors.append(FieldError("tags", "A key has at most %(most)s tags.", {"most": MOST_TAGS}))
    if any(not 0 < len(tag) <= MAX_TAG_CHARS or not tag.isprintable() or tag != tag.strip() for tag in tags):
        errors.append(
            FieldError(
                "tags", "A tag is 1 to %(most)s characters without line breaks.", {"most": MAX_TAG_CHARS}
            )
        )
    if len(note) > MAX_NOTE_CHARS:
        errors.append(FieldError("note", "A note has at most %(most)s characters.", {"most": MAX_NOTE_CHARS}))
    if len(project) > MAX_PROJECT_CHARS or not (project.isprintable() and project == project.strip()):
        errors.append(
            FieldError(
                "project", "A project's name has at most %(most)s characters.", {"most": MAX_PROJECT_CHARS}
            )
        )
    if weight is not None and not LOWEST_WEIGHT <= weight <= HIGHEST_WEIGHT:
        errors.append(
            FieldError(
                "weight", "must be from %(low)s to %(high)s", {"low": LOWEST_WEIGHT, "high": HIGHEST_WEIGHT}
            )
        )
    return errors


def what_changes(edit: KeyEdit) -> str:
    """The word for it in the history."""
    if edit.enabled is not None:
        return "enabled" if edit.enabled else "disabled"
    return "changed"


def detail_of(edit: KeyEdit) -> dict[str, object]:
    """What was asked for, for the audit."""
    given = {name: getattr(edit, name) for name in KeyEdit.__slots__}
    return {name: value for name, value in given.items() if value is not None and value != ()}
