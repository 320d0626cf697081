"""The type of a setting that is text."""

from typing import Annotated

from pydantic import AfterValidator

from gateway.settings.checks import check_no_control

Text = Annotated[str, AfterValidator(check_no_control)]
