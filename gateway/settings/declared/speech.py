"""Speech: who speaks, how, and who listens."""

from typing import Annotated, Literal

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.declared.text import Text


class SpeechSettings(SettingsModel):
    """What audio/speech and audio/transcriptions go to."""

    tts_model: Annotated[
        Text,
        About("Model that speaks where a client names none, or one of OpenAI's.", Group.SPEECH),
    ] = "gemini-2.5-flash-preview-tts"
    tts_voice_name: Annotated[
        Text,
        About(
            "Voice where a client names none that is known; one of Gemini's, such as Kore or Puck.",
            Group.SPEECH,
        ),
    ] = "Zephyr"
    tts_speed: Annotated[
        Literal["slow", "normal", "fast"],
        About("How fast is spoken where a client does not say.", Group.SPEECH),
    ] = "normal"
    transcription_model: Annotated[
        Text,
        About("Model that listens where a client names none, or one of OpenAI's.", Group.SPEECH),
    ] = "gemini-3.5-flash"
