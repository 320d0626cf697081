"""What a request's path means: which API it speaks and which operation it names.

Clients join base URLs and paths in every way there is (doubled versions, double slashes, `/v1` or not),
so paths are read by their segments. Pure; called by the light router and by the Tornado routes.
"""

import enum
import functools
import re
from dataclasses import dataclass
from urllib.parse import unquote

VERSIONS = frozenset({"v1", "v1beta", "v1alpha", "v1beta1"})
_OPENAI_MOUNTS = frozenset({"openai", "hf"})
_VERTEX_MOUNT = "vertex-express"
DOORS = frozenset({"upload", "download"})

# First segments of OpenAI's API alone: whoever asks for them, by whatever credential.
_OPENAI = frozenset(
    {
        "assistants",
        "audio",
        "chat",
        "completions",
        "containers",
        "conversations",
        "dashboard",
        "edits",
        "embeddings",
        "engines",
        "evals",
        "fine_tuning",
        "images",
        "moderations",
        "organization",
        "realtime",
        "rerank",
        "responses",
        "threads",
        "uploads",
        "vector_stores",
        "videos",
    }
)
# Those that clients given the bare address ask for without a version; no page of the admin is called so.
_BARE_OPENAI = frozenset(
    {"audio", "chat", "completions", "dashboard", "embeddings", "images", "moderations", "responses"}
)
# First segments that both APIs have: told apart by what only one of them sends (handlers.calls).
_SHARED = frozenset({"models", "files", "batches"})
# What only Google's API has, also under the `/v1` that google-genai 3.x says by default.
GOOGLE = frozenset(
    {
        "agents",
        "auth_tokens",
        "cachedContents",
        "corpora",
        "credentials",
        "decisions",
        "environments",
        "fileSearchStores",
        "generatedFiles",
        "interactions",
        "operations",
        "triggers",
        "tunedModels",
        "voices",
        "webhooks",
    }
)
# gemini-balance's addresses for its administrator, among those of calls; admin.api.old answers them.
_OLD_ADMIN = frozenset(
    {
        "reset-all-fail-counts",
        "reset-fail-count",
        "reset-selected-fail-counts",
        "verify-key",
        "verify-selected-keys",
    }
)
_VERB = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)


class Api(enum.Enum):
    """The API a path belongs to; SHARED paths are told apart by headers (`/v1/models`)."""

    __hash__ = object.__hash__  # Enum's own is a function in Python, and each call asks for it

    GEMINI = "gemini"
    OPENAI = "openai"
    COMPATIBLE = "compatible"  # Google's own form of OpenAI's API, under gemini-balance's /openai/v1
    ANTHROPIC = "anthropic"
    SHARED = "shared"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """A path, read.

    version   the last version segment (`v1beta`), "" when there is none; the last one wins when doubled
    resource  what follows, decoded and joined: `models/gemini-3.5-flash`, `chat/completions`, `models`
    verb      the part after the last colon: `generateContent`, "" when there is none
    door      what stands before the version: `upload`, `download`, mostly ""
    provider  whose keys serve it: `gemini`, or `vertex` under `/vertex-express`
    """

    api: Api
    version: str
    resource: str
    verb: str
    door: str = ""
    provider: str = "gemini"


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
    mount = version = door = mount_of_version = ""
    index = 0
    while index < len(parts):
        part = parts[index]
        if part in VERSIONS:
            version, mount_of_version = part, mount
        elif part in DOORS:
            door = part
        elif part in ("gemini", _VERTEX_MOUNT) or part in _OPENAI_MOUNTS:
            mount = part
        else:
            break
        index += 1
    rest = parts[index:]
    if ".." in rest or "." in rest:
        rest = []  # upstream it would be another path
    if rest[:1] and (rest[0] in _OLD_ADMIN or rest == ["keys", "list"]):
        return _nowhere(rest)
    if mount == _VERTEX_MOUNT:
        return _vertex(version, rest)
    if door and mount not in _OPENAI_MOUNTS and rest:
        return Route(Api.GEMINI, version, *_resource_and_verb(rest), door=door)
    if mount_of_version == mount == "openai" and rest and rest[0] != "deployments":
        return Route(Api.COMPATIBLE, version, "/".join(rest), "")
    return _classify(mount, version, rest)


def _classify(mount: str, version: str, rest: list[str]) -> Route:
    if mount == "openai" and rest and rest[0] == "deployments":
        # AzureOpenAI puts the model in the path: /openai/deployments/M/chat/completions
        return Route(Api.OPENAI, version, "/".join(rest[2:]), "") if len(rest) > 2 else _nowhere(rest)
    if mount in _OPENAI_MOUNTS:
        return Route(Api.OPENAI, version, "/".join(rest), "")
    resource, verb = _resource_and_verb(rest)
    if mount == "gemini" or version not in ("", "v1") or verb:
        return Route(Api.GEMINI, version, resource, verb)
    collection = rest[0] if rest else ""
    if collection in _SHARED:
        return Route(Api.SHARED, version, resource, verb)
    if collection in GOOGLE and (version or collection == "tunedModels"):
        return Route(Api.GEMINI, version, resource, verb)
    if collection == "messages" and version:
        return Route(Api.ANTHROPIC, version, resource, verb)
    if version or collection in _BARE_OPENAI:
        return Route(Api.OPENAI if collection in _OPENAI else Api.SHARED, version, resource, verb)
    return _nowhere(rest)


def _vertex(version: str, rest: list[str]) -> Route:
    """Vertex's paths name a publisher where Gemini's do not: `publishers/google/models/M:verb`."""
    if rest[:2] == ["publishers", "google"]:
        rest = rest[2:]
    return Route(Api.GEMINI, version, *_resource_and_verb(rest), provider="vertex")


def _resource_and_verb(rest: list[str]) -> tuple[str, str]:
    """The resource and what is asked of it: `files/x:download`; a colon inside a name stays with the name."""
    joined = "/".join(rest)
    resource, colon, verb = joined.rpartition(":")
    return (resource, verb) if colon and _VERB.fullmatch(verb) else (joined, "")


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
