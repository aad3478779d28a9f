"""Selection of a model's layers by the options `layers` and `exclude`."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

from ._errors import RecorderError
from ._types import Selector

M = TypeVar("M")


@dataclass(frozen=True)
class Candidates(Generic[M]):
    """The named parts of a model among which layers are selected."""

    #: Every part by its name; the model itself, if selectable, is `""`.
    modules: Mapping[str, M]
    #: Names of the layers that are recorded by default.
    default: Set[str]
    #: Returns whether a part can be recorded as a whole, when it is selected by depth.
    is_composite: Callable[[M], bool]
    #: Separates the components of a name.
    separator: str
    #: The framework's word for a part.
    noun: str
    #: Names that `layers` selects only when they are spelled out.
    hidden: Set[str] = frozenset()

    def select(
        self,
        layers: Selector | Iterable[Selector] | None,
        exclude: Selector | Iterable[Selector] | None,
    ) -> set[str]:
        """Returns the names that `layers` selects, without those of `exclude` and everything inside them.

        Raises:
            RecorderError: a selector matches nothing or is none.
        """
        selected = set(self.default) if layers is None else set[str]()
        for selector in _as_list(layers, "layers"):
            selected |= self._matching(selector, "layers", self.default, self.hidden)
        for selector in _as_list(exclude, "exclude"):
            excluded = self._matching(selector, "exclude", frozenset(), frozenset())
            selected = {
                name for name in selected if not any(self._contains(outer, name) for outer in excluded)
            }
        return selected

    def spelled_out(self, layers: Selector | Iterable[Selector] | None) -> set[str]:
        """Returns the names that `layers` holds one by one."""
        selectors = _as_list(layers, "layers")
        return {name for name in selectors if isinstance(name, str) and name in self.modules}

    def _matching(self, selector: Selector, option: str, default: Set[str], hidden: Set[str]) -> set[str]:
        """Returns the names of the parts that match. A pattern prefers the layers of `default`, so that
        `"block1.*"` selects no dropout or pooling where there are other layers."""
        visible = {name: module for name, module in self.modules.items() if name not in hidden and name}
        if isinstance(selector, bool):
            raise RecorderError(f"{option}={selector!r}: not a choice of layers")
        if isinstance(selector, str):
            return self._matching_pattern(selector, option, default, visible)
        if isinstance(selector, int):
            if selector < 1:
                raise RecorderError(f"{option}={selector}: depths count from 1, the model's own parts")
            matching = {
                name
                for name, module in visible.items()
                if self._depth(name) == selector and self.is_composite(module)
            }
            matching |= {name for name in default if self._depth(name) < selector}
        elif isinstance(selector, type):
            matching = {name for name, module in visible.items() if isinstance(module, selector)}
        elif callable(selector):
            matching = {name for name, module in visible.items() if selector(name, module)}
        else:
            raise RecorderError(f"{option}: {selector!r} is no name, pattern, type, depth or function")
        if not matching and option == "layers":
            description = selector.__name__ if isinstance(selector, type) else repr(selector)
            raise RecorderError(f"layers={description} matches no {self.noun} of the model")
        return matching

    def _matching_pattern(
        self, pattern: str, option: str, default: Set[str], visible: Mapping[str, M]
    ) -> set[str]:
        if pattern in self.modules:
            return {pattern}
        matching = set(fnmatch.filter(visible, pattern))
        if matching:
            return matching & default or matching
        similar = difflib.get_close_matches(pattern, visible, 3) or list(visible)[:3]
        raise RecorderError(f"{option}={pattern!r} matches no {self.noun}; there are {', '.join(similar)}, …")

    def _contains(self, outer: str, name: str) -> bool:
        return outer in ("", name) or name.startswith(outer + self.separator)

    def _depth(self, name: str) -> int:
        return name.count(self.separator) + 1


def _as_list(selectors: Selector | Iterable[Selector] | None, option: str) -> list[Selector]:
    if selectors is None:
        return []
    if isinstance(selectors, (str, int, type)) or callable(selectors):
        return [selectors]
    if isinstance(selectors, Iterable):
        return list(selectors)
    raise RecorderError(
        f"{option}={selectors!r}: a name, a pattern, a type, a depth, a function or a list of them"
    )
