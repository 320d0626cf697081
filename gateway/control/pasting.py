"""What somebody's paste would add, said before it is added: of keys and of proxies alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that looks like one of them and is none; `shown` gives nothing away."""

    line: int
    shown: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What adding a text would do.

    new        how many would be added · known: those that are there already, masked
    repeated   how many stand in the text more than once
    left_out   how many are too many
    """

    new: int
    known: tuple[str, ...]
    repeated: int
    malformed: tuple[Malformed, ...]
    left_out: int

    @property
    def mark(self) -> str:
        """Stands for it in a form, so that what is added is what was seen."""
        return f"{self.new}-{len(self.known)}-{self.repeated}-{len(self.malformed)}"

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing about it that one should see first."""
        return not (self.known or self.repeated or self.malformed or self.left_out)
