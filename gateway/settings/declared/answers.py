"""What answers to clients look like."""

from typing import Annotated

from pydantic import Field

from gateway.settings.about import About, Group, SettingsModel


class AnswerSettings(SettingsModel):
    """Beyond what the client itself asks for."""

    show_thinking_process: Annotated[
        bool, About("Ask for the model's thoughts and pass them on as reasoning_content.", Group.ANSWERS)
    ] = True
    show_search_link: Annotated[
        bool, About("Write the sources under the answer of a NAME-search model.", Group.ANSWERS)
    ] = True
    responses_kept_days: Annotated[
        int,
        Field(ge=0, le=365),
        About(
            "Days that answers of /v1/responses are kept with their input, for clients that go on from them "
            "(previous_response_id) or ask for them again, unless they say store: false; 0 keeps none.",
            Group.ANSWERS,
            unit="days",
        ),
    ] = 7
    responses_kept_mb: Annotated[
        int,
        Field(ge=1, le=1_000_000),
        About(
            "What all kept answers of /v1/responses may take in the database; the oldest go first.",
            Group.ANSWERS,
            unit="MB",
        ),
    ] = 100
