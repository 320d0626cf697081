"""The documents say what the declarations say, and the committed ones are those generated."""

from pathlib import Path

import pytest

from gateway.settings.catalogue import BY_NAME, DESCRIPTIONS, SettingDescription
from gateway.settings.describe import env_example, main, markdown_table, settings_document
from gateway.settings.model import BootSettings, RowLists
from gateway.settings.resolution import resolve
from gateway.settings.sources import read_sources

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("path", "generated"), [(".env.example", env_example()), ("docs/settings.md", settings_document())]
)
def test_the_committed_document_is_the_generated_one(path: str, generated: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated, "see gateway/settings/describe.py"


def test_every_setting_stands_once_in_each_document() -> None:
    for each in DESCRIPTIONS:
        lines = [line.removeprefix("# ") for line in env_example().splitlines()]
        assert sum(line.startswith(f"{each.name}=") for line in lines) == 1
        assert settings_document().count(f"| `{each.name}` |") == 1
        assert markdown_table().count(f"| `{each.name}` |") == 1


def test_the_example_as_it_stands_sets_nothing() -> None:
    path = ROOT / ".env.example"
    sources = read_sources({}, path)
    assert (sources.boot, sources.rows, sources.live) == (BootSettings(), RowLists(), {})
    assert (sources.unknown_names, sources.warnings) == ((), ())


def test_the_example_with_every_line_opened_means_the_defaults(tmp_path: Path) -> None:
    opened = [
        line.removeprefix("# ")
        for line in env_example().splitlines()
        if line.removeprefix("# ").partition("=")[0] in BY_NAME
    ]
    assert len(opened) == len(DESCRIPTIONS)
    path = tmp_path / ".env"
    path.write_text("\n".join(opened), encoding="utf-8")
    sources = read_sources({}, path)
    assert (sources.boot, sources.rows) == (BootSettings(), RowLists())
    assert resolve(sources.live, {}).settings == resolve({}, {}).settings


@pytest.mark.parametrize(
    "description", [each for each in DESCRIPTIONS if each.about.example], ids=lambda each: each.name
)
def test_every_example_can_be_used(description: SettingDescription, tmp_path: Path) -> None:
    line = next(line for line in env_example().splitlines() if f"Example: {description.name}=" in line)
    path = tmp_path / ".env"
    path.write_text(line.partition("Example: ")[2], encoding="utf-8")
    sources = read_sources({}, path)
    assert sources.live or sources.rows != RowLists()


def test_a_table_row_says_value_default_and_meaning() -> None:
    assert markdown_table([BY_NAME["MAX_BODY_MB"]]).splitlines()[2] == (
        "| `MAX_BODY_MB` | whole number of MB from 1 to 2048; restart | `100` "
        "| Largest request body taken from a client; a larger one is answered 413. |"
    )


@pytest.mark.parametrize(("arguments", "status"), [(["env"], 0), (["markdown"], 0), ([], 2), (["html"], 2)])
def test_the_command_prints_a_document(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert bool(out) is (status == 0)
    assert bool(err) is (status == 2)
