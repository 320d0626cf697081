"""The rows of settings on both databases."""

from cryptography.fernet import Fernet

from gateway.store.config import DatabaseConfig
from gateway.store.records import SettingValue
from gateway.store.secrets import Cipher
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query


def _put(store: Store, *rows: SettingValue) -> None:
    store.write_sync(lambda: store.settings.put(rows))


def test_the_last_value_of_a_setting_is_the_one_that_stays(store: Store) -> None:
    _put(store, SettingValue("MAX_RETRIES", "3", "print-1", "environment"))
    _put(
        store,
        SettingValue("MAX_RETRIES", '"最多"', None, "admin"),
        SettingValue("TZ", '"UTC"', None, "admin"),
    )

    found = store.read_sync(store.settings.all)

    assert {name: (row.value, row.fingerprint, row.origin) for name, row in found.items()} == {
        "MAX_RETRIES": ('"最多"', None, "admin"),
        "TZ": ('"UTC"', None, "admin"),
    }


def test_only_secret_settings_are_sealed(open_store: OpenStore, config: DatabaseConfig) -> None:
    store = open_store(cipher=Cipher([Fernet.generate_key().decode()]))
    _put(
        store,
        SettingValue("AUTH_TOKEN", '"hush"', None, "admin", secret=True),
        SettingValue("TZ", "fernet:UTC", None, "admin"),
    )

    stored = dict(query(config, "SELECT name, value FROM setting"))
    found = store.read_sync(store.settings.all)

    assert "hush" not in stored["AUTH_TOKEN"]
    assert "UTC" in stored["TZ"]
    assert {name: row.value for name, row in found.items()} == {"AUTH_TOKEN": '"hush"', "TZ": "fernet:UTC"}


def test_putting_nothing_changes_nothing(store: Store) -> None:
    _put(store)

    assert store.read_sync(store.settings.all) == {}
