"""Commits of epochs, in the foreground or in a thread, and the report of their failures."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .._errors import WriteError, warn


class Committer:
    """Runs the commits of epochs, one at a time, and reports failures once per cause.

    Args:
        strict: raise failures rather than warn.
        background: commit in a thread.
    """

    def __init__(self, *, strict: bool, background: bool) -> None:
        self._strict = strict
        self._background = background
        self._thread: threading.Thread | None = None
        self._failures: list[tuple[int, BaseException]] = []
        #: Error numbers since the last successful commit.
        self._reported: set[int | None] = set()

    def submit(self, number: int, commit: Callable[[], None]) -> None:
        """Runs `commit` for epoch `number`."""

        def run() -> None:
            try:
                commit()
                self._reported.clear()
            except BaseException as error:  # raised by `wait`, in the thread that records
                self._failures.append((number, error))

        if self._background:
            self._thread = threading.Thread(target=run, name=f"dnnviz epoch {number}")
            self._thread.start()
        else:
            run()
            self.wait()

    def wait(self) -> None:
        """Waits for the current commit and reports its failure."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        failures, self._failures = self._failures, []
        for number, error in failures:
            if not isinstance(error, WriteError):
                raise error
            self.report(number, error)

    def report(self, number: int, error: WriteError) -> None:
        """Reports that an epoch was not recorded: raises if strict, else warns the first time."""
        if self._strict:
            raise error
        if error.errno not in self._reported:
            self._reported.add(error.errno)
            warn(
                f"epoch {number} was not recorded: {error.reason()}; "
                "the training goes on, and later epochs are tried again"
            )
