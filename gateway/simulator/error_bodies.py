"""Google's error answers as they come over the wire, one function or value a kind.

The one place where these bodies are written: the simulator answers with them, and the tests' fake
upstream hands them out by name (tests/fakes/gemini_errors.py).
Source: public reports and the API's documentation, as gathered for gateway/protocols/failures.py.
"""

from dataclasses import dataclass
from typing import Any

SERVICE = "generativelanguage.googleapis.com"
RPC = "type.googleapis.com/google.rpc."


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error as the upstream answers it: the HTTP status and the body, `{"error": {…}}`."""

    status: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])


def error_answer(
    status: int, name: str, message: str, details: list[dict[str, Any]] | None = None
) -> ErrorAnswer:
    """Build an error in Google's envelope; without details the member is left out, as Google does."""
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = details
    return ErrorAnswer(status, {"error": error})


def invalid_argument(message: str, *, violation: str | None = None) -> ErrorAnswer:
    """Build the 400 for a client's mistake."""
    details = None
    if violation is not None:
        details = [{"@type": RPC + "BadRequest", "fieldViolations": [{"description": violation}]}]
    return error_answer(400, "INVALID_ARGUMENT", message, details)


def unknown_field(name: str, where: str = "") -> ErrorAnswer:
    """Build the 400 for a field the API does not know; `where` is a path such as `contents[0]`."""
    place = f" at '{where}'" if where else ""
    description = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    violation: dict[str, Any] = {"description": description}
    if where:
        violation = {"field": where, "description": description}
    details = [{"@type": RPC + "BadRequest", "fieldViolations": [violation]}]
    return error_answer(400, "INVALID_ARGUMENT", description, details)


def _error_reason(reason: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": RPC + "ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {**metadata, "service": SERVICE},
    }


def _localized(message: str) -> dict[str, Any]:
    return {"@type": RPC + "LocalizedMessage", "locale": "en-US", "message": message}


def _key_refused(message: str) -> ErrorAnswer:
    details = [_error_reason("API_KEY_INVALID"), _localized(message)]
    return error_answer(400, "INVALID_ARGUMENT", message, details)


# A key, or the project it belongs to, that can serve nothing.


def api_key_invalid() -> ErrorAnswer:
    return _key_refused("API key not valid. Please pass a valid API key.")


def api_key_expired() -> ErrorAnswer:
    return _key_refused("API key expired. Please renew the API key.")


def leaked() -> ErrorAnswer:
    message = "Your API key was reported as leaked. Please use another API key."
    return error_answer(403, "PERMISSION_DENIED", message)


def suspended(key: str = "AQ.demo-suspended-1", project: str = "104857600001") -> ErrorAnswer:
    """Build CONSUMER_SUSPENDED. Message and metadata hold the key itself, as Google's do."""
    message = f"Permission denied: Consumer 'api_key:{key}' has been suspended."
    reason = _error_reason(
        "CONSUMER_SUSPENDED", consumer=f"projects/{project}", containerInfo=f"api_key:{key}"
    )
    return error_answer(403, "PERMISSION_DENIED", message, [reason, _localized(message)])


def project_denied() -> ErrorAnswer:
    message = "Your project has been denied access. Please contact support."
    return error_answer(403, "PERMISSION_DENIED", message)


def service_disabled(project: str = "104857600002") -> ErrorAnswer:
    url = f"https://console.developers.google.com/apis/api/{SERVICE}/overview?project={project}"
    message = (
        f"Generative Language API has not been used in project {project} before or it is disabled. Enable "
        f"it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the "
        "action to propagate to our systems and retry."
    )
    reason = _error_reason(
        "SERVICE_DISABLED",
        consumer=f"projects/{project}",
        serviceTitle="Generative Language API",
        containerInfo=project,
        activationUrl=url,
    )
    links = [{"description": "Google developers console API activation", "url": url}]
    details = [reason, _localized(message), {"@type": RPC + "Help", "links": links}]
    return error_answer(403, "PERMISSION_DENIED", message, details)


def key_blocked(reason: str = "API_KEY_SERVICE_BLOCKED", project: str = "104857600003") -> ErrorAnswer:
    """Build the 403 of a restricted key: also API_KEY_HTTP_REFERRER_BLOCKED, API_KEY_IP_ADDRESS_BLOCKED."""
    method = "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent"
    message = f"Requests to this API {SERVICE} method {method} are blocked."
    detail = _error_reason(reason, consumer=f"projects/{project}", apiName=SERVICE, methodName=method)
    return error_answer(403, "PERMISSION_DENIED", message, [detail, _localized(message)])


def token_type_unsupported() -> ErrorAnswer:
    """Build the 401 for a key sent as Bearer, or for a retired kind of key."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    reason = _error_reason(
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        method="google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent",
    )
    return error_answer(401, "UNAUTHENTICATED", message, [reason])


def two_credentials() -> ErrorAnswer:
    return invalid_argument("Multiple authentication credentials received. Please pass only one.")


def unregistered_caller() -> ErrorAnswer:
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). Please use API "
        "Key or other form of API consumer identity to call this API."
    )
    return error_answer(403, "PERMISSION_DENIED", message)


# The place, the model, the service.


def location() -> ErrorAnswer:
    message = "User location is not supported for the API use."
    return error_answer(400, "FAILED_PRECONDITION", message)


def model_not_found(
    model: str = "gemini-1.0-none", method: str = "generateContent", version: str = "v1beta"
) -> ErrorAnswer:
    message = (
        f"models/{model} is not found for API version {version}, or is not supported for {method}. Call "
        "ListModels to see the list of available models and their supported methods."
    )
    return error_answer(404, "NOT_FOUND", message)


def model_closed_to_new_users(model: str = "gemini-2.5-pro") -> ErrorAnswer:
    message = (
        f"This model models/{model} is no longer available to new users. Please update your code to use a "
        "newer model for the latest features and improvements."
    )
    return error_answer(404, "NOT_FOUND", message)


def file_forbidden(name: str = "abc-123") -> ErrorAnswer:
    message = f"You do not have permission to access the File {name} or it may not exist."
    return error_answer(403, "PERMISSION_DENIED", message)


def cache_forbidden() -> ErrorAnswer:
    return error_answer(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")


def entity_not_found(name: str) -> ErrorAnswer:
    return error_answer(404, "NOT_FOUND", f"Requested entity was not found: {name}")


def interaction_error(status: int, code: str, message: str) -> ErrorAnswer:
    """Build an error of the Interactions API, which has codes of its own."""
    return ErrorAnswer(status, {"error": {"code": code, "message": message}})


def internal() -> ErrorAnswer:
    message = (
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting"
    )
    return error_answer(500, "INTERNAL", message)


def overloaded() -> ErrorAnswer:
    return error_answer(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def high_demand() -> ErrorAnswer:
    message = (
        "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please "
        "try again later."
    )
    return error_answer(503, "UNAVAILABLE", message)


def deadline() -> ErrorAnswer:
    return error_answer(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")


def cancelled() -> ErrorAnswer:
    return error_answer(499, "CANCELLED", "The operation was cancelled.")


def billing_required() -> ErrorAnswer:
    message = (
        "This model requires a billing account. Please enable billing on your project in Google AI Studio."
    )
    return error_answer(400, "FAILED_PRECONDITION", message)


# A client's mistakes, or the translator's.


def signature_missing(function: str = "get_weather", position: int = 2) -> ErrorAnswer:
    return invalid_argument(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools "
        "to work correctly, and missing thought_signature may lead to degraded model performance. "
        f"Additional data, function call `default_api:{function}` , position {position}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )


def signature_corrupted() -> ErrorAnswer:
    return invalid_argument("Corrupted thought signature.")


def level_unsupported(level: str = "MEDIUM") -> ErrorAnswer:
    return invalid_argument(
        f"Thinking level {level} is not supported for this model. Please retry with other thinking level"
    )


def too_many_input_tokens(count: int = 1_200_000, limit: int = 1_048_576) -> ErrorAnswer:
    return invalid_argument(
        f"The input token count ({count}) exceeds the maximum number of tokens allowed ({limit})."
    )
