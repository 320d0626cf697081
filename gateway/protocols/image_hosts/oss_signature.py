"""Alibaba Cloud OSS: signatures of version 4 (OSS4-HMAC-SHA256).

Source: Object Storage Service, "Include a V4 signature in the Authorization header"; tested against the
vectors that its SDKs share.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_ALGORITHM = "OSS4-HMAC-SHA256"
_SIGNED = ("content-type", "content-md5")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose requests, and for which region (`cn-hangzhou`)."""

    access_key: str
    secret: str = field(repr=False)
    region: str

    def sign(
        self,
        method: str,
        resource: str,
        headers: Mapping[str, str],
        now: datetime,
        *,
        query: Sequence[tuple[str, str]] = (),
    ) -> dict[str, str]:
        """The headers of a request that is signed: those given, and what the signature adds.

        resource   `/bucket/object`, not encoded
        headers    names in lower case
        now        in UTC; OSS refuses a clock that is 15 minutes wrong
        """
        moment = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self.region}/oss/aliyun_v4_request"
        signed = {**headers, "x-oss-content-sha256": UNSIGNED_PAYLOAD, "x-oss-date": moment}
        request = canonical_request(method, resource, signed, query)
        words = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
        key = f"aliyun_v4{self.secret}".encode()
        for part in scope.split("/"):
            key = _hmac(key, part)
        signature = _hmac(key, words).hex()
        credential = f"{_ALGORITHM} Credential={self.access_key}/{scope},Signature={signature}"
        return {**signed, "authorization": credential}


def canonical_request(
    method: str, resource: str, headers: Mapping[str, str], query: Sequence[tuple[str, str]]
) -> str:
    """The request in the one form that both sides put it into."""
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query)
    told = sorted(
        (name, value.strip())
        for name, value in headers.items()
        if name in _SIGNED or name.startswith("x-oss-")
    )
    return "\n".join(
        (
            method,
            quote(resource, safe="/"),
            "&".join(f"{name}={value}" if value else name for name, value in pairs),
            "".join(f"{name}:{value}\n" for name, value in told),
            "",  # no further headers are signed
            UNSIGNED_PAYLOAD,
        )
    )


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
