"""What answers to clients look like."""

from typing import Annotated

from gateway.settings.about import About, Group, SettingsModel


class AnswerSettings(SettingsModel):
    """Beyond what the client itself asks for."""

    show_thinking_process: Annotated[
        bool, About("Ask for the model's thoughts and pass them on as reasoning_content.", Group.ANSWERS)
    ] = True
    show_search_link: Annotated[
        bool, About("Write the sources under the answer of a NAME-search model.", Group.ANSWERS)
    ] = True
