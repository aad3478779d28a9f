"""The complete programs of the README and the guide, which begin with an import, run, and the viewer opens
their recordings."""

import re
import subprocess
import sys

import pytest
from readers import ROOT, info

PROGRAMS = [
    code
    for page in ("README.md", "docs/capture.md")
    for code in re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    if code.startswith("import")
]


def test_there_are_programs():
    assert len(PROGRAMS) > 2


@pytest.mark.parametrize("code", PROGRAMS, ids=lambda code: re.findall(r'"(runs/[^"]*)"', code)[0])
def test_the_viewer_opens_the_recording_of_a_program(code, tmp_path):
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    for package in re.findall(r"^(?:import|from) (\w+)", code, re.M):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    # Lightning writes messages there.
    assert "lightning" in code or done.stderr == "", done.stderr
    recorded = sorted((tmp_path / "runs").iterdir())
    assert recorded
    for run in recorded:
        summary = info(run)
        assert summary["epochs"] and summary["warnings"] == []
