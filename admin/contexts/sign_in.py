"""What the sign-in page is given."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignIn:
    """pages/sign_in.html.

    next     where to go once signed in
    wrong    the token just given was wrong
    wait_s   seconds until the next guess is looked at; 0 for none
    """

    next: str
    wrong: bool = False
    wait_s: int = 0
