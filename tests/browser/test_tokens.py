"""From a new token to a call with it in a real browser."""

from tests.browser.chromium import Window
from tests.sdk.clients import MODEL


def test_a_token_is_made_used_deleted_and_brought_back(admin: Window) -> None:
    admin.open("/tokens")
    admin.type("for a journey", into="#name")
    admin.click("form[action='/tokens'] .button.solid")
    secret = admin.text("#added-secret")
    admin.see("#tokens tbody", "for a journey")

    used = admin.driver.execute_async_script(
        "const [secret, model, done] = arguments;"
        "fetch('/v1/chat/completions', {method: 'POST', headers: {Authorization: `Bearer ${secret}`,"
        " 'Content-Type': 'application/json'}, body: JSON.stringify({model,"
        " messages: [{role: 'user', content: 'hi'}]})}).then((answer) => done(answer.status))",
        secret,
        MODEL,
    )
    assert used == 200

    admin.run("[...document.querySelectorAll('#tokens .lead a')].at(-1).click()")
    admin.until(lambda: admin.path.startswith("/tokens/") and admin.all("#uses-title"))
    admin.click(".confirm > summary")
    admin.click(".confirm .danger.solid")
    admin.see(".notice", "brought back for ten minutes")
    assert "for a journey" not in admin.text("#tokens tbody")
    admin.click(".notice .button")
    admin.see(".toast", "is back")
    admin.see("#tokens tbody", "for a journey")
    assert admin.complaints() == []


def test_a_wrong_limit_is_told_beside_its_field(admin: Window) -> None:
    admin.open("/tokens")
    admin.click("#tokens .more > summary")
    admin.type("lots", into="#requests_per_minute")
    admin.click("form[action='/tokens'] .button.solid")

    admin.see("#requests_per_minute-error", "whole number")
