#!/usr/bin/env python3
"""Keep the settings tables of both READMEs equal to the declarations.

scripts/readme.py            write the tables
scripts/readme.py --check    exit code 1 if a table is not the one that would be written
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from admin.catalogues import translations_of  # noqa: E402 - the checkout is not installed
from admin.readers import Language  # noqa: E402
from gateway.settings.catalogue import BY_NAME, SettingDescription  # noqa: E402

READMES: tuple[tuple[str, Language, str], ...] = (
    ("README.md", "en", "| Name | Default | Meaning |"),
    ("README.zh-CN.md", "zh_CN", "| 名称 | 默认值 | 含义 |"),
)
BEGIN, END = "<!-- settings: written by scripts/readme.py -->\n", "<!-- /settings -->"
SHOWN = (
    "API_KEYS",
    "ALLOWED_TOKENS",
    "AUTH_TOKEN",
    "MAX_RETRIES",
    "TIME_OUT",
    "POOL_WAIT_SECONDS",
    "PROXIES",
    "FAKE_STREAM_ENABLED",
    "HOST",
    "PORT",
    "WORKERS",
    "DATABASE_TYPE",
    "MYSQL_HOST",
    "MYSQL_USER",
    "MYSQL_PASSWORD",
    "MYSQL_DATABASE",
    "DATA_DIR",
    "ENCRYPTION_KEY",
    "METRICS_TOKEN",
)
"""What most people set; docs/settings.md has all."""


def table(language: Language, head: str) -> str:
    """The table in a language, ending with a line break."""
    said = translations_of(language).gettext
    rows = [
        f"| `{each.name}` | {_default(each)} | {said(each.about.help)} |"
        for each in (BY_NAME[name] for name in SHOWN)
    ]
    return "\n".join([head, "| --- | --- | --- |", *rows, ""])


def _default(description: SettingDescription) -> str:
    return f"`{description.default_text}`" if description.default_text else "–"


def main(arguments: list[str]) -> int:
    stale = False
    for name, language, head in READMES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        written = f"{before}{BEGIN}{table(language, head)}{END}{after}"
        if written == text:
            continue
        stale = True
        if "--check" in arguments:
            print(f"{name}: the settings table is stale; run scripts/readme.py")  # noqa: T201 - what was asked for
        else:
            path.write_text(written, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
