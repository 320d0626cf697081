"""Who may come in."""

from typing import Annotated

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.declared.text import Text


class AccessSettings(SettingsModel):
    """The administrator's token."""

    auth_token: Annotated[
        Text,
        About(
            "The administrator's token: password of the admin page, and good for every call.",
            Group.ACCESS,
            secret=True,
            default_text="first of ALLOWED_TOKENS, else generated",
        ),
    ] = ""


class RowLists(SettingsModel):
    """The lists that fill tables instead of being values. None: not set; (): set and empty."""

    api_keys: Annotated[
        tuple[Text, ...] | None,
        About(
            "Gemini API keys; merged into the keys of the admin page.",
            Group.ACCESS,
            secret=True,
            example='["AIzaSy...1","AIzaSy...2"]',
        ),
    ] = None
    vertex_api_keys: Annotated[
        tuple[Text, ...] | None,
        About(
            "Keys for Vertex AI's express mode, used under /vertex-express; merged like API_KEYS.",
            Group.ACCESS,
            secret=True,
            example='["AQ.Ab8...1","AQ.Ab8...2"]',
        ),
    ] = None
    allowed_tokens: Annotated[
        tuple[Text, ...] | None,
        About(
            "Tokens clients may use; merged into the tokens of the admin page.",
            Group.ACCESS,
            secret=True,
            example='["sk-alice","sk-bob"]',
        ),
    ] = None
