"""From a prompt to an answer in a real browser, and from the page to the clipboard."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import Window
from tests.integration.running import TOKEN
from tests.sdk.clients import MODEL, THINKING_MODEL


@pytest.mark.parametrize("dialect", ["openai", "gemini"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_prompt_is_answered_with_timings_and_attempts(admin: Window, dialect: str, stream: bool) -> None:
    admin.open(f"/playground?dialect={dialect}&model={THINKING_MODEL}")
    if not stream:
        admin.click("label.check")
    admin.type("Hello", into="#prompt")
    admin.press(Keys.CONTROL + Keys.ENTER)

    admin.see("#state", "done")
    assert len(admin.text("#text")) > 10
    assert admin.text("#headers-ms").endswith(("ms", "s"))
    assert admin.text("#first-ms").endswith(("ms", "s"))
    assert "·" in admin.text("#usage")
    admin.see(".attempts", "answered")
    assert admin.see(".trace-foot a").get_attribute("href").startswith(f"{admin.origin}/calls/")  # type: ignore[union-attr]
    assert admin.complaints() == []


def test_a_refusal_is_told_in_the_gateways_own_words(admin: Window) -> None:
    admin.open("/playground?model=gemini-9-nowhere")
    admin.click("#send")

    admin.see("#state", "failed")
    assert "gemini-9-nowhere" in admin.text("#text.failed")
    admin.see(".attempts")


def test_the_code_follows_what_is_typed(admin: Window) -> None:
    admin.open("/playground")
    admin.type("Tell me about owls", into="#prompt")
    admin.see("#code-curl", "Tell me about owls")
    admin.click("input[value=gemini] ~ *, label.choice:has(input[value=gemini])")

    admin.see("#code-curl", "streamGenerateContent?alt=sse")
    assert admin.run("return document.activeElement.id") != "code"


def test_models_of_the_upstream_are_offered(admin: Window) -> None:
    admin.open("/playground")

    admin.until(lambda: admin.all(f"#models option[value='{MODEL}']"))


def test_a_snippet_is_copied_with_the_readers_own_token(admin: Window) -> None:
    admin.open("/connect")
    admin.click("form[action='/connect'] button")
    admin.see("#address-4", TOKEN)
    admin.run(
        "window.copied = []; document.execCommand = () => window.copied.push(getSelection().toString())"
    )
    admin.run("Object.defineProperty(window, 'isSecureContext', {value: false})")
    admin.click("[data-copy=curl-openai]")

    admin.see("[data-copy=curl-openai]", "Copied")
    (copied,) = admin.run("return window.copied")
    assert f"Bearer {TOKEN}" in copied
    assert admin.path == "/connect"
