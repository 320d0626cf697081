"""Every command of ours that a document shows is one that the command line understands.

What the commands do is tried by the other tests here, and by those of the run contract.
"""

import re
import shlex

import pytest

from gateway.__main__ import make_parser
from tests.house.source import ROOT, code_blocks

_OURS = re.compile(r"python -m gateway (.+)$", re.MULTILINE)
SHOWN = sorted(
    {
        command
        for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("grafana/*.md"))
        for language, block in code_blocks(path)
        if language == "sh"
        for command in _OURS.findall(block)
    }
)


def test_documents_show_commands() -> None:
    assert len(SHOWN) > 10


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_of_a_document_is_understood(command: str) -> None:
    words = shlex.split(command, comments=True)
    if "--help" in words:
        with pytest.raises(SystemExit) as stopped:
            make_parser().parse_args(words)
        assert stopped.value.code == 0
    else:
        assert make_parser().parse_args(words).run
