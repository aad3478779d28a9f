"""Making epochs last: in the foreground or in a thread, and what is said when that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ._capture import Capture
from ._errors import RecorderError, WriteError, warn

T = TypeVar("T")


class Committer:
    """Runs what commits an epoch, one at a time, and tells of failures once per cause."""

    def __init__(self, *, strict: bool, background: bool) -> None:
        self._strict = strict
        self._background = background
        self._thread: threading.Thread | None = None
        self._failed: list[tuple[int, BaseException]] = []
        self._told: set[Any] = set()

    def submit(self, number: int, commit: Callable[[], None]) -> None:
        """Commits epoch `number`, whose numbers and files are settled."""

        def run() -> None:
            try:
                commit()
                self._told.clear()
            except BaseException as error:  # told by `settle`, in the thread that records
                self._failed.append((number, error))

        if self._background:
            self._thread = threading.Thread(target=run, name=f"dnnviz epoch {number}")
            self._thread.start()
        else:
            run()
            self.settle()

    def settle(self) -> None:
        """Waits for what is being committed, and tells of its failure."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        failed, self._failed = self._failed, []
        for number, error in failed:
            if not isinstance(error, WriteError):
                raise error
            self.tell(number, error)

    def tell(self, number: int, error: WriteError) -> None:
        """That an epoch is not recorded: raises if strict, else warns the first time."""
        if self._strict:
            raise error
        if (cause := error.errno) not in self._told:
            self._told.add(cause)
            warn(
                f"epoch {number} was not recorded: {error.reason()}; "
                "the training goes on, and later epochs are tried again"
            )


def together(capture: Capture | None, work: Callable[[], T]) -> Sequence[T]:
    """Does `work` on every rank; what each rank got. Raises on all of them if it fails on one."""
    if capture is None or capture.world == 1:
        return [work()]
    result, failure = None, None
    try:
        result = work()
    except Exception as error:
        failure = error
    outcomes = capture.gather((result, None if failure is None else str(failure)))
    if failure is not None:
        raise failure
    for rank, (_, told) in enumerate(outcomes):
        if told is not None:
            raise RecorderError(f"process {rank} of {capture.world}: {told}")
    return [result for result, _ in outcomes]
