"""Pictures: who paints them, and with whose money."""

from typing import Annotated

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.declared.text import Text


class PictureSettings(SettingsModel):
    """What images/generations and images/edits go to."""

    create_image_model: Annotated[
        Text,
        About(
            "Model that paints where a client names none, or one of OpenAI's; with -chat behind it, a chat "
            "model that paints.",
            Group.IMAGES,
        ),
    ] = "gemini-3.1-flash-image"
    paid_key: Annotated[
        Text,
        About(
            "Gemini API key of a paid project for pictures.",
            Group.IMAGES,
            secret=True,
            default_text="the keys of the pool",
            example="AIzaSy...3",
        ),
    ] = ""
