"""`python -m grafana`: write the dashboards' JSON anew; with `--check` only say which is not as declared."""

import json
import sys
from pathlib import Path

from grafana.boards import Dashboard
from grafana.google import GOOGLE
from grafana.healthy import HEALTHY
from grafana.keys import KEYS
from grafana.users import USERS

FOLDER = Path(__file__).resolve().parent / "dashboards"
DASHBOARDS = (HEALTHY, KEYS, GOOGLE, USERS)


def written(dashboard: Dashboard) -> str:
    """The file of a dashboard: the same declaration gives the same bytes."""
    return json.dumps(dashboard.json(), indent=2, ensure_ascii=False) + "\n"


def path_of(dashboard: Dashboard) -> Path:
    """Where Grafana finds it."""
    return FOLDER / f"{dashboard.uid}.json"


def stale() -> list[Path]:
    """The files that are not what is declared."""
    return [
        path_of(dashboard)
        for dashboard in DASHBOARDS
        if not path_of(dashboard).exists()
        or path_of(dashboard).read_text(encoding="utf-8") != written(dashboard)
    ]


def main(arguments: list[str]) -> int:
    """Exit code 1 if `--check` finds a file that is not in step."""
    if arguments == ["--check"]:
        for path in stale():
            sys.stdout.write(f"not as declared: {path.name}; run: python -m grafana\n")
        return 1 if stale() else 0
    FOLDER.mkdir(exist_ok=True)
    for dashboard in DASHBOARDS:
        path_of(dashboard).write_text(written(dashboard), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
