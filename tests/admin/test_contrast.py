"""What is legible on what, computed from the tokens: WCAG 2.2 AA, light and dark."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
GROUNDS = ("paper", "surface", "sunken")
STATES = ("ready", "resting", "exhausted", "dead", "disabled")
TEXT = [(ink, ground) for ink in ("ink", "ink-soft", "link") for ground in GROUNDS]
TEXT += [("ink-faint", "paper"), ("ink-faint", "surface"), ("ink-faint", "sunken")]
TEXT += [(state, ground) for state in STATES for ground in GROUNDS]
TEXT += [(ink, f"{state}-wash") for state in STATES for ink in (state, "ink", "ink-soft")]
TEXT += [("solid-ink", "solid"), ("solid-ink", "solid-hover"), ("surface", "dead")]
SHAPES = [("line-strong", ground) for ground in GROUNDS]
SHAPES += [("focus", ground) for ground in (*GROUNDS, *(f"{state}-wash" for state in STATES))]
SHAPES += [(f"bar-{name}", "surface") for name in ("success", "client", "limited", "failed")]


def colours(scheme: str) -> dict[str, tuple[float, float, float]]:
    found = {}
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS.read_text())
    for name, light, dark in pairs:
        text = light if scheme == "light" else dark
        found[name] = tuple(int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return found  # type: ignore[return-value]  # three of them


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Relative luminance and contrast ratio as WCAG defines them."""

    def luminance(colour: tuple[float, float, float]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (SHAPES, 3.0)], ids=["text", "shapes"])
def test_every_pair_can_be_told_apart(scheme: str, pairs: list[tuple[str, str]], least: float) -> None:
    known = colours(scheme)
    faint = {
        f"{ink} on {ground}": round(ratio, 2)
        for ink, ground in pairs
        if (ratio := contrast(known[ink], known[ground])) < least
    }

    assert faint == {}


def test_the_computation_agrees_with_the_standard() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)) == pytest.approx(1)


def test_colours_have_names_and_stand_nowhere_else() -> None:
    written = [
        f"{path.name}: {found.group()}"
        for path in TOKENS.parent.glob("*.css")
        if path != TOKENS
        for found in re.finditer(r"#[0-9a-fA-F]{3,8}\b", path.read_text())
    ]

    assert written == []


def test_every_name_that_is_used_is_declared() -> None:
    sheets = [path.read_text() for path in TOKENS.parent.glob("*.css")]
    used = {name for text in sheets for name in re.findall(r"var\((--[\w-]+)", text)}
    declared = {name for text in sheets for name in re.findall(r"(--[\w-]+):", text)}

    assert used - declared == set()
