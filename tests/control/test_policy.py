"""Settings as the call path reads them."""

import pytest

from gateway.control.policy import answer_shape, call_policy, chat_options, file_cleanup_s, image_host
from gateway.protocols.media import Media
from gateway.relay.shaping import Shape
from gateway.relay.signature_store import SignatureStore
from gateway.settings.model import LiveSettings
from gateway.streaming.pacing import Pace


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


def test_files_are_cleaned_up_as_often_as_said_or_never() -> None:
    assert file_cleanup_s(LiveSettings(files_cleanup_interval_hours=2)) == 7200
    assert file_cleanup_s(LiveSettings(files_cleanup_enabled=False)) == 0


async def host(_: Media) -> str | None:
    """A host that has no room."""
    return None


def test_answers_pass_as_they_come_unless_something_is_wished() -> None:
    assert answer_shape(LiveSettings(), None) is None


def test_each_wish_for_answers_stands_alone() -> None:
    fake = answer_shape(LiveSettings(fake_stream_enabled=True), None)
    paced = answer_shape(LiveSettings(stream_optimizer_enabled=True, stream_chunk_size=7), None)
    hosted = answer_shape(LiveSettings(), host)

    assert fake == Shape(beat_every_s=5.0)
    assert paced == Shape(pace=Pace(0.016, 0.024, short_text=10, long_text=50, chunk_size=7))
    assert hosted == Shape(host=host)


OSS = {"oss_endpoint": "e", "oss_bucket_name": "b", "oss_access_key": "ak", "oss_access_key_secret": "sk"}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, None),
        ({"smms_secret_token": "t"}, "smms"),
        ({"upload_provider": "picgo"}, None),
        ({"upload_provider": "picgo", "picgo_api_key": "k"}, "picgo"),
        ({"upload_provider": "picgo", "picgo_api_url": "http://127.0.0.1:36677/upload"}, "picgo"),
        ({"upload_provider": "cloudflare_imgbed", "smms_secret_token": "t"}, None),
        (
            {"upload_provider": "Cloudflare-ImgBed", "cloudflare_imgbed_url": "https://i.example/upload"},
            "cloudflare_imgbed",
        ),
        ({"upload_provider": "aliyun_oss", **OSS}, "aliyun_oss"),
        *(({"upload_provider": "aliyun_oss", **OSS, name: ""}, None) for name in OSS),
    ],
)
def test_pictures_go_nowhere_until_the_chosen_place_is_set_up(
    settings: dict[str, str], name: str | None
) -> None:
    host = image_host(LiveSettings(**settings))  # type: ignore[arg-type]

    assert (None if host is None else host.name) == name
