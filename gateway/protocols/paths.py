"""What a request's path means: which API it speaks and which operation it names.

Clients join base URLs and paths in every way there is (doubled versions, double slashes, `/v1` or not),
so paths are read by their segments. Pure; called by the light router and by the Tornado routes.
"""

import enum
import functools
from dataclasses import dataclass
from urllib.parse import unquote

VERSIONS = frozenset({"v1", "v1beta", "v1alpha", "v1beta1"})
_NATIVE_COLLECTIONS = frozenset({"models", "tunedModels"})
_OPENAI_MOUNTS = frozenset({"openai", "hf"})


class Api(enum.Enum):
    """The API a path belongs to; SHARED paths are told apart by headers (`/v1/models`)."""

    GEMINI = "gemini"
    OPENAI = "openai"
    SHARED = "shared"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """A path, read.

    version   the last version segment (`v1beta`), "" when there is none; the last one wins when doubled
    resource  what follows, decoded and joined: `models/gemini-3.5-flash`, `chat/completions`, `models`
    verb      the part after the colon: `generateContent`, "" when there is none
    """

    api: Api
    version: str
    resource: str
    verb: str


def segments(path: str) -> list[str]:
    """The decoded, non-empty segments of an undecoded path; repeated and trailing slashes vanish.

    A segment that decodes to something with a slash (openai's `models%2Fgemini-3-flash`) is split again.
    """
    if "%" in path:
        path = unquote(path)
    return [part for part in path.split("/") if part]


@functools.lru_cache(maxsize=1024)
def read_route(path: str) -> Route:
    """Read an undecoded request path (without its query).

    Order of recognition: reference of client habits, wire notes on telling APIs apart on one path.
    """
    parts = segments(path)
    mount = ""
    version = ""
    index = 0
    while index < len(parts):
        part = parts[index]
        if part in VERSIONS:
            version = part
        elif part == "gemini" or part in _OPENAI_MOUNTS:
            mount = part
        else:
            break
        index += 1
    rest = parts[index:]
    return _classify(mount, version, rest)


def _classify(mount: str, version: str, rest: list[str]) -> Route:
    if mount == "openai" and rest and rest[0] == "deployments":
        # AzureOpenAI puts the model in the path: /openai/deployments/M/chat/completions
        return Route(Api.OPENAI, version, "/".join(rest[2:]), "") if len(rest) > 2 else _nowhere(rest)
    resource, _, verb = "/".join(rest).partition(":")
    native_version = version not in ("", "v1")
    if mount in _OPENAI_MOUNTS:
        return Route(Api.OPENAI, version, resource if not verb else f"{resource}:{verb}", "")
    if mount == "gemini" or native_version or verb:
        return Route(Api.GEMINI, version, resource, verb)
    if rest and rest[0] in _NATIVE_COLLECTIONS:
        return Route(Api.SHARED, version, resource, verb)
    if version or resource in ("chat/completions", "completions", "embeddings"):
        return Route(Api.OPENAI, version, resource, verb)
    return _nowhere(rest)


def _nowhere(rest: list[str]) -> Route:
    return Route(Api.NONE, "", "/".join(rest), "")


def azure_deployment(path: str) -> str:
    """The model named by an AzureOpenAI path, or ""."""
    parts = segments(path)
    if "deployments" not in parts:
        return ""
    index = parts.index("deployments") + 1
    return parts[index] if index < len(parts) else ""


def upstream_version(client_version: str, base_version: str) -> str:
    """The version to send upstream, given the client's and the one in BASE_URL.

    v1beta is a superset of v1, so a client's `v1` is served by a base of `v1beta` (google-genai 3.x says
    `/v1` by default); any other difference is the client's explicit wish.
    """
    if not client_version or client_version == base_version:
        return base_version
    if client_version == "v1" and base_version in VERSIONS:
        return base_version
    return client_version if base_version in VERSIONS else base_version
