"""Version of the installed package."""

from __future__ import annotations

from importlib import metadata

try:
    __version__ = metadata.version("dnnviz")
except metadata.PackageNotFoundError:  # imported from a source tree
    __version__ = "0"
