"""Every setting: what a process boots with, what may change while it runs, and the lists that become rows.

Declared in declared/, one module a group. A setting's name is its attribute's in capitals (`max_retries` is
MAX_RETRIES). To add one, add one attribute there and regenerate the documents (describe.py).
"""

from gateway.settings.declared.access import AccessSettings, RowLists
from gateway.settings.declared.admin import AdminSettings
from gateway.settings.declared.answers import AnswerSettings
from gateway.settings.declared.boot import BootSettings
from gateway.settings.declared.files import FileSettings
from gateway.settings.declared.image_hosts import ImageHostSettings
from gateway.settings.declared.logs import LogSettings
from gateway.settings.declared.models import ModelSettings
from gateway.settings.declared.paths import PathSettings
from gateway.settings.declared.pictures import PictureSettings
from gateway.settings.declared.pool import PoolSettings
from gateway.settings.declared.remote_media import RemoteMediaSettings
from gateway.settings.declared.speech import SpeechSettings
from gateway.settings.declared.streams import StreamSettings
from gateway.settings.declared.upstream import UpstreamSettings

__all__ = ["BootSettings", "LiveSettings", "RowLists"]


# pydantic takes the fields of the last base first: the order of the documents is this one turned around.
class LiveSettings(
    LogSettings,
    AdminSettings,
    FileSettings,
    ImageHostSettings,
    RemoteMediaSettings,
    SpeechSettings,
    PictureSettings,
    StreamSettings,
    AnswerSettings,
    ModelSettings,
    PoolSettings,
    UpstreamSettings,
    PathSettings,
    AccessSettings,
):
    """The snapshot calls are served with. Stored, editable in the admin page, the last change wins."""
