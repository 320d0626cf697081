#!/usr/bin/env python3
"""Print the requirements that setup.cfg declares, one a line; an argument names an extra to print too.

Read with the standard library alone, so that the Makefile can install before anything is installed.
"""

import configparser
import sys
from pathlib import Path


def main(extras: list[str]) -> None:
    config = configparser.ConfigParser()
    config.read(Path(__file__).parent.parent / "setup.cfg", encoding="utf-8")
    declared = [config["options"]["install_requires"]]
    declared += [config["options.extras_require"][name] for name in extras]
    sys.stdout.write("\n".join(declared).strip() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
