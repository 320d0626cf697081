"""What a setting's declaration says besides its type: `About`, and the base of the frozen models.

The declarations are in declared/. Everything that shows settings to people (messages,
.env.example, docs/settings.md, the admin's form) reads these declarations through catalogue.py.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict


class Group(enum.Enum):
    """Where a setting is shown, in this order; the value is the heading."""

    ACCESS = "Keys and access"
    UPSTREAM = "Calls to Gemini"
    POOL = "Use of keys"
    MODELS = "Models"
    ANSWERS = "Answers to clients"
    STREAMS = "Streams"
    IMAGES = "Pictures and image hosts"
    SPEECH = "Speech"
    FILES = "Files"
    ADMIN = "Admin page"
    LOGS = "Logs, time and metrics"
    SERVER = "Server"
    DATABASE = "Database"


@dataclass(frozen=True, slots=True)
class About:
    """Stands in a field's `Annotated[...]`.

    help       one sentence for the operator, ending with a full stop
    unit       what a number counts, "" for none
    secret     the value is never printed, logged or shown in a repr
    verbatim   spaces, brackets and `#` inside the value are part of it (passwords)
    aliases    other names read when the setting's own name is not set; an unusable value there only gives a
               warning, because these names belong to the system (TZ)
    example    a value as a person would write it in `.env`
    default_text   what the documents call the default when the value alone does not explain itself
    """

    help: str
    group: Group
    unit: str = ""
    secret: bool = False
    verbatim: bool = False
    aliases: tuple[str, ...] = ()
    example: str = ""
    default_text: str = ""


class SettingsModel(BaseModel):
    """Frozen; refuses unknown names; hides secret values in `repr`, `str` and pydantic's errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        validate_default=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            hidden = any(isinstance(note, About) and note.secret for note in field.metadata)
            yield name, ("***" if value else value) if hidden else value
