"""Image hosts: what each is sent, and how its answers are read."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from typing import Any

import orjson
import pytest

from gateway.protocols.image_hosts.aliyun_oss import AliyunOss
from gateway.protocols.image_hosts.cloudflare_imgbed import CloudflareImgbed
from gateway.protocols.image_hosts.oss_signature import Signer, canonical_request
from gateway.protocols.image_hosts.picgo import Picgo
from gateway.protocols.image_hosts.smms import Smms
from gateway.protocols.image_hosts.uploads import ImageHost, Picture, Upload, UploadRefused

NOW = datetime(2026, 11, 25, 16, 5, 9, tzinfo=UTC)
PICTURE = Picture("2026/11/25/1f0c", "image/png", b"\x89PNG\r\n--picture")
HEADERS = {"content-type": "text/plain", "x-oss-head1": "value", "abc": "value", "zabc": "value"}
QUERY = (
    ("param1", "value1"),
    ("+param1", "value3"),
    ("|param1", "value4"),
    ("+param2", ""),
    ("|param2", ""),
    ("param2", ""),
)


def field_of(upload: Upload) -> Message:
    """The only field of a multipart form, read by the standard library's parser."""
    content_type = dict(upload.headers)["content-type"]
    whole = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + upload.body)
    parts = whole.get_payload()
    assert isinstance(parts, list)
    (part,) = parts
    assert isinstance(part, Message)
    return part


# What is sent.


@pytest.mark.parametrize(
    ("host", "field_name", "url", "more"),
    [
        (Smms("tok en"), "smfile", "https://sm.ms/api/v2/upload", {"authorization": "Basic tok en"}),
        (Picgo("key"), "source", "https://www.picgo.net/api/1/upload", {"x-api-key": "key"}),
        (
            Picgo("k&y", "https://p.example/api/1/upload"),
            "source",
            "https://p.example/api/1/upload?key=k%26y",
            {},
        ),
        (Picgo("", "http://127.0.0.1:36677/upload"), "source", "http://127.0.0.1:36677/upload", {}),
        (
            CloudflareImgbed("https://i.example/upload", "c de", "a/b"),
            "file",
            "https://i.example/upload?uploadFolder=a%2Fb&authCode=c+de&uploadNameType=origin",
            {},
        ),
        (
            CloudflareImgbed("https://i.example/upload?x=1"),
            "file",
            "https://i.example/upload?x=1&uploadNameType=origin",
            {},
        ),
    ],
    ids=["smms", "picgo", "chevereto", "picgo-server", "imgbed", "imgbed-bare"],
)
def test_a_picture_is_sent_as_the_only_field_of_a_form(
    host: ImageHost, field_name: str, url: str, more: dict[str, str]
) -> None:
    upload = host.upload(PICTURE, NOW)

    headers = dict(upload.headers)
    part = field_of(upload)
    assert (upload.method, upload.url) == ("POST", url)
    assert {name: value for name, value in headers.items() if name != "content-type"} == more
    assert part.get_param("name", header="content-disposition") == field_name
    assert part.get_filename() == "1f0c.png"
    assert part.get_content_type() == "image/png"
    assert part.get_payload(decode=True) == PICTURE.content


@pytest.mark.parametrize(
    ("mime_type", "name"),
    [("image/png", "x.png"), ("image/jpeg", "x.jpg"), ("image/webp", "x.webp"), ("image/svg+xml", "x.svg")],
)
def test_a_pictures_name_ends_as_its_type_says(mime_type: str, name: str) -> None:
    assert Picture("x", mime_type, b"").file_name == name


BUCKET = AliyunOss("oss-cn-hangzhou.aliyuncs.com", "pics", "ak", "sk")


@pytest.mark.parametrize(
    ("host", "url", "shown"),
    [
        (BUCKET, "https://pics.oss-cn-hangzhou.aliyuncs.com/", None),
        (
            AliyunOss("http://oss-cn-hangzhou.aliyuncs.com", "pics", "ak", "sk"),
            "http://pics.oss-cn-hangzhou.aliyuncs.com/",
            None,
        ),
        (
            AliyunOss(
                "oss-cn-hangzhou.aliyuncs.com",
                "pics",
                "ak",
                "sk",
                inner="oss-cn-hangzhou-internal.aliyuncs.com",
            ),
            "https://pics.oss-cn-hangzhou-internal.aliyuncs.com/",
            "https://pics.oss-cn-hangzhou.aliyuncs.com/",
        ),
        (
            AliyunOss("http://127.0.0.1:9000", "pics", "ak", "sk", region="x"),
            "http://127.0.0.1:9000/pics/",
            None,
        ),
    ],
    ids=["usual", "scheme", "inner", "number"],
)
def test_an_object_is_put_into_its_bucket_for_all_to_read(
    host: AliyunOss, url: str, shown: str | None
) -> None:
    upload = host.upload(PICTURE, NOW)

    headers = dict(upload.headers)
    assert (upload.method, upload.url, upload.body) == ("PUT", f"{url}2026/11/25/1f0c.png", PICTURE.content)
    assert headers["content-type"] == "image/png"
    assert headers["x-oss-object-acl"] == "public-read"
    assert headers["x-oss-date"] == "20261125T160509Z"
    assert headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=ak/20261125/")
    assert host.address(PICTURE, 200, b"") == f"{shown or url}2026/11/25/1f0c.png"


@pytest.mark.parametrize(
    ("endpoint", "region", "signed"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", "", "cn-hangzhou"),
        ("https://oss-us-west-1-internal.aliyuncs.com", "", "us-west-1"),
        ("pictures.example.org", "cn-beijing", "cn-beijing"),
        ("pictures.example.org", "oss-cn-beijing", "cn-beijing"),
    ],
)
def test_the_region_is_the_one_given_or_the_endpoints(endpoint: str, region: str, signed: str) -> None:
    upload = AliyunOss(endpoint, "pics", "ak", "sk", region=region).upload(PICTURE, NOW)

    assert f"/20261125/{signed}/oss/aliyun_v4_request," in dict(upload.headers)["authorization"]


# The signature, against the vectors in the tests of Alibaba's SDKs (for Go, Python, C, Objective-C).


def test_a_request_has_one_form_for_both_sides() -> None:
    signed = {**HEADERS, "x-oss-content-sha256": "UNSIGNED-PAYLOAD", "x-oss-date": "20231216T162057Z"}

    request = canonical_request("PUT", "/bucket/1234+-/123/1.txt", signed, QUERY)

    assert request == (
        "PUT\n"
        "/bucket/1234%2B-/123/1.txt\n"
        "%2Bparam1=value3&%2Bparam2&%7Cparam1=value4&%7Cparam2&param1=value1&param2\n"
        "content-type:text/plain\n"
        "x-oss-content-sha256:UNSIGNED-PAYLOAD\n"
        "x-oss-date:20231216T162057Z\n"
        "x-oss-head1:value\n"
        "\n"
        "\n"
        "UNSIGNED-PAYLOAD"
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    assert digest == "f4613657f1b108998e8dbd10a1aa5da621dc2c6e02c9ddec0f163664848704c4"


@pytest.mark.parametrize(
    ("seconds", "more", "day", "signature"),
    [
        (1702743657, {}, "20231216", "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"),
        (
            1702784856,
            {"x-oss-security-token": "token"},
            "20231217",
            "b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea",
        ),
    ],
    ids=["key", "token"],
)
def test_a_signature_is_the_one_alibabas_own_sdks_make(
    seconds: int, more: dict[str, str], day: str, signature: str
) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    signer = Signer("ak", "sk", "cn-hangzhou")

    signed = signer.sign("PUT", "/bucket/1234+-/123/1.txt", {**HEADERS, **more}, now, query=QUERY)

    scope = f"{day}/cn-hangzhou/oss/aliyun_v4_request"
    assert signed["authorization"] == f"OSS4-HMAC-SHA256 Credential=ak/{scope},Signature={signature}"


# What is answered.

ADDRESS = "https://cdn.example/1f0c.png"
IMGBED = CloudflareImgbed("https://i.example/prefix/upload")


@pytest.mark.parametrize(
    ("host", "answer", "address"),
    [
        (Smms("t"), {"success": True, "data": {"url": ADDRESS, "width": 1}}, ADDRESS),
        (Smms("t"), {"success": False, "code": "image_repeated", "images": ADDRESS}, ADDRESS),
        (Picgo("k"), {"status_code": 200, "image": {"url": ADDRESS}}, ADDRESS),
        (Picgo("k"), {"success": True, "result": [ADDRESS]}, ADDRESS),
        (IMGBED, [{"src": "/file/1f0c.png"}], "https://i.example/file/1f0c.png"),
        (IMGBED, [{"src": "file/1f0c.png"}], "https://i.example/prefix/file/1f0c.png"),
        (IMGBED, [{"src": ADDRESS}], ADDRESS),
    ],
)
def test_an_answer_tells_where_the_picture_is(host: ImageHost, answer: Any, address: str) -> None:
    assert host.address(PICTURE, 200, orjson.dumps(answer)) == address


@pytest.mark.parametrize(
    ("host", "status", "answer", "why"),
    [
        (
            Smms("t"),
            401,
            {"success": False, "code": "unauthorized", "message": "Token invalid"},
            "401: Token invalid",
        ),
        (Smms("t"), 200, {"success": True, "data": {"url": "javascript:alert(1)"}}, "200: without a reason"),
        (Smms("t"), 200, {"success": True, "data": {"url": "https://x/a) evil"}}, "200: without a reason"),
        (Smms("t"), 200, [], "200: without a reason"),
        (Picgo("k"), 400, {"status_code": 400, "error": {"message": "Invalid key"}}, "400: Invalid key"),
        (Picgo("k"), 200, {"success": False, "message": "no"}, "200: no"),
        (Picgo("k"), 200, {"success": True, "result": []}, "200: without a reason"),
        (IMGBED, 401, {"message": "unauthorized"}, "401: unauthorized"),
        (IMGBED, 200, [], "200: without a reason"),
        (IMGBED, 200, [{"src": 5}], "200: without a reason"),
    ],
)
def test_a_refusal_is_told_in_the_hosts_words(host: ImageHost, status: int, answer: Any, why: str) -> None:
    with pytest.raises(UploadRefused, match=why):
        host.address(PICTURE, status, orjson.dumps(answer))


def test_a_bucket_says_in_xml_what_is_wrong() -> None:
    body = b"<?xml?><Error><Code>AccessDenied</Code><Message>Put public acl is not allowed</Message></Error>"

    with pytest.raises(UploadRefused, match="403: Put public acl is not allowed"):
        BUCKET.address(PICTURE, 403, body)
    with pytest.raises(UploadRefused, match="500: without a reason"):
        BUCKET.address(PICTURE, 500, b"")


@pytest.mark.parametrize("make", [Smms, Picgo, lambda key: CloudflareImgbed("https://i.example/upload", key)])
def test_a_page_instead_of_an_answer_is_a_refusal(make: Callable[[str], ImageHost]) -> None:
    with pytest.raises(UploadRefused, match="502 and no JSON"):
        make("key").address(PICTURE, 502, b"<html>Bad gateway</html>")


@pytest.mark.parametrize(
    "host",
    [Smms("s3cret"), Picgo("s3cret"), CloudflareImgbed("u", "s3cret"), AliyunOss("e", "b", "ak", "s3cret")],
)
def test_nothing_secret_is_shown(host: ImageHost) -> None:
    assert "s3cret" not in repr(host)
    assert host.secrets == ("s3cret",)
    assert "s3cret" not in repr(host.upload(PICTURE, NOW))
