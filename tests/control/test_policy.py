"""Settings as the call path reads them."""

from gateway.control.policy import call_policy, chat_options
from gateway.relay.signature_store import SignatureStore
from gateway.settings.model import LiveSettings


def test_a_policy_says_what_the_settings_say() -> None:
    policy = call_policy(
        LiveSettings(
            base_url="http://127.0.0.1:9000/v1beta",
            max_retries=7,
            time_out=60,
            connect_timeout_seconds=2,
            idle_timeout_seconds=30,
            error_log_record_request_body=True,
        )
    )

    assert (policy.max_retries, policy.deadline_s, policy.connect_s, policy.idle_s) == (7, 60, 2, 30)
    assert policy.keep_bodies


def test_thoughts_are_shown_as_the_setting_says() -> None:
    options = chat_options(LiveSettings(show_thinking_process=False), lambda: "an-id", SignatureStore())

    assert options.show_thoughts is False
    assert options.new_id() == "an-id"
