"""Which models are offered in which ways, and what calls get that leave it open."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import by_model, check_safety, model_name, spread_safety
from gateway.settings.declared.text import Text

Model = Annotated[Text, AfterValidator(model_name)]
SafetyRows = Annotated[
    tuple[Mapping[str, Text], ...], BeforeValidator(spread_safety), AfterValidator(check_safety)
]


class ModelSettings(SettingsModel):
    """Suffix models, thinking, tools, safety. What a client says itself always wins."""

    search_models: Annotated[
        tuple[Model, ...],
        About(
            "Models listed a second time as NAME-search, which searches the web. Any model can be asked so "
            "until this is set; then these alone.",
            Group.MODELS,
        ),
    ] = ("gemini-flash-latest", "gemini-3.8-flash", "gemini-3.5-flash", "gemini-3.5-flash-lite")
    image_models: Annotated[
        tuple[Model, ...],
        About(
            "Models that answer with pictures too when asked as NAME-image; a model that is called so itself "
            "needs no entry.",
            Group.MODELS,
        ),
    ] = ("gemini-3.1-flash-image", "gemini-3-pro-image")
    thinking_models: Annotated[
        tuple[Model, ...],
        About(
            "Models listed a second time as NAME-non-thinking; every model can be asked like that.",
            Group.MODELS,
            example='["gemini-3.5-flash"]',
        ),
    ] = ()
    thinking_budget_map: Annotated[
        Mapping[str, Annotated[int, Field(ge=-1, le=32_768)]],
        AfterValidator(by_model),
        About(
            "Tokens to think with, by model, for calls that say nothing of it; 0 for as few as it can, -1 "
            "for as it likes. Models from Gemini 3 on get the level that comes nearest.",
            Group.MODELS,
            example='{"gemini-3.5-flash":1024}',
        ),
    ] = Field(default_factory=dict)
    claude_models: Annotated[
        Mapping[str, Model],
        AfterValidator(by_model),
        About(
            "Which model serves clients of Anthropic's API that ask for one of its own: a part of the name "
            "they ask for, and the model. The longest part that fits counts.",
            Group.MODELS,
            example='{"haiku":"gemini-3.5-flash-lite","claude":"gemini-3.5-flash"}',
        ),
    ] = Field(default_factory=lambda: {"haiku": "gemini-3.5-flash-lite", "claude": "gemini-3.5-flash"})
    filtered_models: Annotated[
        tuple[Model, ...], About("Models that are not listed and not served.", Group.MODELS)
    ] = (
        "gemini-1.0-pro-vision-latest",
        "gemini-pro-vision",
        "chat-bison-001",
        "text-bison-001",
        "embedding-gecko-001",
    )
    url_context_enabled: Annotated[
        bool, About("Let the models of URL_CONTEXT_MODELS read the addresses in a prompt.", Group.MODELS)
    ] = False
    url_context_models: Annotated[
        tuple[Model, ...], About("Models that can read addresses.", Group.MODELS)
    ] = ("gemini-flash-latest", "gemini-3.8-flash", "gemini-3.5-flash", "gemini-3.5-flash-lite")
    tools_code_execution_enabled: Annotated[
        bool,
        About("Let models run code, in calls without other tools, files or JSON answers.", Group.MODELS),
    ] = False
    safety_settings: Annotated[
        SafetyRows,
        About(
            "Safety thresholds for calls that name none. The default acts on OpenAI calls only; once this is "
            "set, it acts on native Gemini calls too.",
            Group.MODELS,
            example='[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_ONLY_HIGH"}]',
        ),
    ] = (
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "OFF"},
        {"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "threshold": "OFF"},
        {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "OFF"},
    )
