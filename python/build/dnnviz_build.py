"""Build backend: maturin, with the bundled recording of the viewer among the wheel's data.

maturin copies a wheel's data from a folder with the layout of the installation and does not follow links to
folders, so the recording is copied there during the build.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import maturin
from maturin import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "python" / "wheel" / "data" / "share" / "dnnviz" / "demo"


@contextmanager
def _bundled_recording() -> Iterator[None]:
    shutil.rmtree(INSTALLED, ignore_errors=True)
    try:
        shutil.copytree(ROOT / "assets" / "demo", INSTALLED)
        yield
    finally:
        shutil.rmtree(INSTALLED, ignore_errors=True)


def build_wheel(*arguments: Any, **options: Any) -> str:
    """Calls maturin's hook of the same name, with the bundled recording."""
    with _bundled_recording():
        return str(maturin.build_wheel(*arguments, **options))


def build_editable(*arguments: Any, **options: Any) -> str:
    """Calls maturin's hook of the same name, with the bundled recording."""
    with _bundled_recording():
        return str(maturin.build_editable(*arguments, **options))
