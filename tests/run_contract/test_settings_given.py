"""Settings as people give them: `.env`, the environment, the command line, in the forms of the guides."""

from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child, assert_clean

KEYS = ("first-key-of-any-shape", "second-key-of-any-shape")
TOKEN = "sk-123456"

FORMS = {
    "json": f'API_KEYS=["{KEYS[0]}","{KEYS[1]}"]\nALLOWED_TOKENS=["{TOKEN}"]\n',
    "guide_in_lower_case": f'api_keys=("{KEYS[0]}","{KEYS[1]}")\nallowed_tokens=("{TOKEN}")\n',
    "commas_without_quotes": f"API_KEYS={KEYS[0]}, {KEYS[1]}\r\nALLOWED_TOKENS={TOKEN}\r\n",
    "export_and_lines": f"export API_KEYS=[\n  '{KEYS[0]}',\n  '{KEYS[1]}',\n]\nALLOWED_TOKENS={TOKEN}\n",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_env_file_in_the_forms_people_write(
    form: str, tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    (tmp_path / ".env").write_text(f"{form}BASE_URL={fake_upstream.url}\nPORT=0\nHOST=127.0.0.1\n")

    with Child(tmp_path, port=False) as gateway:
        answers = [gateway.generate(token=TOKEN).status for _ in range(2)]
        health = gateway.get("/health").json
        assert gateway.stop() == 0

    assert answers == [200, 200]
    assert {seen.key for seen in fake_upstream.requests} == set(KEYS)
    assert health["keys"]["active"] == 2
    assert_clean(gateway.output, *KEYS)


def test_the_command_line_beats_the_environment_beats_the_file(
    tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    (tmp_path / "mine.env").write_text(
        "HOST=192.0.2.1\nPORT=1\nALLOWED_TOKENS=sk-from-the-file\nAUTH_TOKEN=sk-admin-of-the-file\n"
        f"API_KEYS={KEYS[0]}\nBASE_URL={fake_upstream.url}\nSOMETHING_ELSE=1\n"
    )
    (tmp_path / ".env").write_text("API_KEYS=a-key-that-is-not-read\nMAX_RETRIES=unreadable\n")
    settings = {"PORT": "2", "ALLOWED_TOKENS": "sk-from-the-environment", "AUTH_TOKEN": ""}

    with Child(tmp_path, "serve", "--env-file", "mine.env", settings=settings) as gateway:
        by_file = gateway.generate(token="sk-from-the-file").status
        by_environment = gateway.generate(token="sk-from-the-environment").status
        by_admin = gateway.get("/metrics", token="sk-admin-of-the-file").status
        gateway.stop()

    assert (by_file, by_environment) == (401, 200)
    assert by_admin == 200, "an empty text means not set"
    assert [seen.key for seen in fake_upstream.requests] == [KEYS[0]]
    unknown = gateway.event("unknown_names_in_env_file")
    assert unknown is not None
    assert unknown["names"] == "SOMETHING_ELSE"
    assert_clean(gateway.output, *KEYS, "sk-from-the", "sk-admin-of-the-file")


@pytest.mark.parametrize("front", ["llhttp", "tornado"])
def test_both_fronts_serve_calls_and_pages(front: str, tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    settings = {
        "HTTP_FRONT": front,
        "API_KEYS": KEYS[0],
        "AUTH_TOKEN": TOKEN,
        "BASE_URL": fake_upstream.url,
        "LOG_FORMAT": "json",
    }
    with Child(tmp_path, settings=settings) as gateway:
        serving = gateway.wait_event("serving")
        assert serving["front"] == front
        assert gateway.generate(token=TOKEN).status == 200
        assert gateway.get("/").status == 200
        assert gateway.get("/static/css/base.css").headers["content-type"] == "text/css"
        assert gateway.get("/nowhere").status == 404
        assert b"gateway_calls_total" in gateway.get("/metrics", token=TOKEN).body
        assert gateway.stop() == 0

    assert_clean(gateway.output, TOKEN, *KEYS)
