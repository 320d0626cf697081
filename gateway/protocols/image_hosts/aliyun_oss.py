"""A bucket of Alibaba Cloud's Object Storage Service, where everybody may read what is put there.

Source: OSS API, PutObject. The signature: oss_signature.py.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

from gateway.protocols.image_hosts.oss_signature import Signer
from gateway.protocols.image_hosts.uploads import Picture, Upload, refused

_REGION = re.compile(r"oss-([a-z0-9-]+?)(?:-internal)?\.", re.ASCII)
_MESSAGE = re.compile(rb"<Message>([^<]{1,300})</Message>")


@dataclass(frozen=True, slots=True)
class AliyunOss:
    """A bucket, and a key that may write into it.

    endpoint   host, perhaps with its scheme: `oss-cn-hangzhou.aliyuncs.com`
    inner      the same from inside Alibaba's network, for writing; "" for the outer one
    region     `cn-hangzhou`, also as `oss-cn-hangzhou`; "" reads it from the endpoint
    """

    endpoint: str
    bucket: str
    access_key: str
    secret: str = field(repr=False)
    region: str = ""
    inner: str = ""
    name: str = "aliyun_oss"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def upload(self, picture: Picture, now: datetime) -> Upload:
        headers = {"content-type": picture.mime_type, "x-oss-object-acl": "public-read"}
        signer = Signer(self.access_key, self.secret, self._region())
        signed = signer.sign("PUT", f"/{self.bucket}/{picture.file_name}", headers, now)
        url = self._url(self.inner or self.endpoint, picture)
        return Upload("PUT", url, tuple(signed.items()), picture.content)

    def address(self, picture: Picture, status: int, body: bytes) -> str:
        if not 200 <= status < 300:
            words = _MESSAGE.search(body)
            raise refused(status, words[1].decode("utf-8", "replace") if words else None)
        return self._url(self.endpoint, picture)

    def _url(self, endpoint: str, picture: Picture) -> str:
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        name = quote(picture.file_name)
        if _is_ip(parts.hostname or ""):  # a bucket cannot stand before a number
            return f"{parts.scheme}://{parts.netloc}/{self.bucket}/{name}"
        return f"{parts.scheme}://{self.bucket}.{parts.netloc}/{name}"

    def _region(self) -> str:
        if self.region:
            return self.region.removeprefix("oss-")
        found = _REGION.search(self.endpoint)
        return found[1] if found else ""


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
