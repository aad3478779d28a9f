"""The guide's whole programs (those that begin with an import) run, and the viewer opens what they record."""

import re
import subprocess
import sys

import pytest
from readers import ROOT, info

GUIDE = (ROOT / "docs" / "capture.md").read_text()
PROGRAMS = [
    code for code in re.findall(r"^```python\n(.*?)^```", GUIDE, re.M | re.S) if code.startswith("import")
]


def test_the_guide_has_programs():
    assert PROGRAMS


@pytest.mark.parametrize("code", PROGRAMS, ids=lambda code: re.findall(r'"(runs/[^"]*)"', code)[0])
def test_a_program_of_the_guide(code, tmp_path):
    for package in re.findall(r"^(?:import|from) (\w+)", code, re.M):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    recorded = sorted((tmp_path / "runs").iterdir())
    assert recorded
    for run in recorded:
        told = info(run)
        assert told["epochs"] and told["warnings"] == []
