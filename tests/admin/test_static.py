"""What the browser is given beside the HTML: others' files unchanged, ours small, nothing from elsewhere."""

import base64
import hashlib
import re
from pathlib import Path

import orjson
import pytest

from admin.parts import STATIC, StaticFiles
from tests.admin.browsing import Browser
from tests.house.source import ROOT

VENDOR = STATIC / "vendor"
MOST_OURS_BYTES = 100 * 1024
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_others_files_are_what_their_makers_published() -> None:
    listed = orjson.loads((VENDOR / "vendor.json").read_bytes())
    there = {path.name for path in VENDOR.iterdir()} - {"vendor.json"}

    assert listed.keys() == there
    for name, about in listed.items():
        digest = hashlib.sha384((VENDOR / name).read_bytes()).digest()
        assert base64.b64encode(digest).decode() == about["sha384"], name
        assert f"-{about['version']}." in name


def test_htmx_says_the_version_its_name_says() -> None:
    assert 'this.version="4.0.1"' in (VENDOR / "htmx-4.0.1.min.js").read_text()


def test_script_and_style_of_ours_stay_small() -> None:
    ours = [path for folder in ("css", "js") for path in (STATIC / folder).iterdir()]

    assert sum(path.stat().st_size for path in ours) < MOST_OURS_BYTES


@pytest.mark.parametrize("path", sorted((STATIC / "js").glob("*.js")), ids=lambda path: path.name)
def test_a_script_needs_no_other_and_evaluates_no_text(path: Path) -> None:
    text = path.read_text()

    assert text.startswith("// "), "say what it is for"
    assert not re.search(
        r"^\s*import\b|\beval\(|new Function|innerHTML|insertAdjacentHTML", text, re.MULTILINE
    )
    assert "http:" not in text.replace('"http:"', "")


def test_nothing_is_fetched_from_elsewhere() -> None:
    files = [*TEMPLATES, *(STATIC / "css").glob("*.css"), *(STATIC / "icons").glob("*.svg")]
    strangers = [
        f"{path.name}: {found}"
        for path in files
        for found in re.findall(r"(?:src|action|url)[=(]\s*[\"']?(?:https?:)?//[^\"')\s]+", path.read_text())
    ]

    assert strangers == []


def test_every_icon_that_is_named_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons" / "sprite.svg").read_text()))
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(
            r'(?:ui\.)?\bicon\("([\w-]+)"\)|sprite\.svg\'\) \}\}#([\w-]+)', path.read_text()
        )
        for name in name
        if name and not name.endswith("-")
    }

    assert named - drawn == set()


def test_an_address_changes_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    first = StaticFiles(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("b{}")

    assert first.startswith("/static/a.css?v=")
    assert StaticFiles(tmp_path).url("a.css") != first


def test_what_a_page_asks_for_is_served_and_kept(stranger: Browser) -> None:
    page = stranger.get("/").page
    wanted = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("script")]
    wanted += [each["href"].partition("#")[0] for each in page.all("use")]

    assert len(wanted) > 8
    for path in set(wanted):
        answer = stranger.get(path)
        assert answer.status == 200, path
        assert answer.text, path
        assert "max-age" in (answer.headers["cache-control"] or ""), path
