"""Plugins: what other packages add to harken by entry points, objects named ``module:name``, and install commands.

An entry point is a line in another package's ``pyproject.toml``, such as ``tiny = "harken_tiny.network:tiny"``
under ``[project.entry-points."harken.networks"]``. A package is imported only when its name is used, so a broken
package causes errors only for those who use it. Processes that this one starts find the same packages.
"""

import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from harken.support.errors import HarkenError
from harken.support.printable import listed

Entry = TypeVar("Entry")

TRAINING = {"torch": "PyTorch", "scipy": "SciPy", "sklearn": "scikit-learn"}
"""Packages of the extra ``train`` by the name of their module."""


class Registry(Generic[Entry]):
    """Entries of one kind by name: harken's own, and those that other installed packages add.

    A package's entry has two names: its own (``tiny``), and a unique one with the package (``harken-tiny/tiny``).

    Args:
        kind: the word for an entry in messages, such as ``preset``.
        group: the group of entry points.
        own: harken's own entries.
        check: called with an entry point's name and object; returns the entry, or raises a HarkenError that describes
            what is wrong with the object.
    """

    def __init__(self, kind: str, group: str, own: Mapping[str, Entry], *, check: Callable[[str, Any], Entry]) -> None:
        self.kind, self.group = kind, group
        self._own, self._check = own, check

    def names(self) -> list[str]:
        """Harken's own names in their order, then those of other packages, sorted. Imports no package."""
        return [*self._own, *sorted({point.name for point in _entry_points(self.group)} - set(self._own))]

    def __contains__(self, name: str) -> bool:
        """Whether an entry has this name. Imports no package."""
        return name in self._own or bool(self._points(name))

    def find(self, name: str) -> Entry | None:
        """The entry of this name; None if there is none.

        Raises:
            HarkenError: when more than one entry has this name, or when the package that adds it cannot be imported or
                has another kind of object.
        """
        points = self._points(name)
        if name in self._own:
            if points:
                raise HarkenError(
                    f"the {self.kind} {name!r} is harken's own, and {self._where(points[0])} has the same name; rename "
                    f"that entry point, or uninstall {package_of(points[0])}"
                )
            return self._own[name]
        if len(points) > 1:
            qualified = " or ".join(qualified_name(point) for point in points)
            raise HarkenError(
                f"several packages add a {self.kind} {name!r}: {'; '.join(map(self._where, points))}. Write {qualified}"
            )
        return self._load(points[0]) if points else None

    def load_added(self) -> tuple[list[Entry], list[HarkenError]]:
        """The entries of other packages, sorted by name, and an error for each that cannot be used.

        Imports all packages that add an entry. Names may occur more than once.
        """
        entries, errors = [], []
        for point in sorted(_entry_points(self.group), key=lambda point: (point.name, package_of(point))):
            try:
                entries.append(self._load(point))
            except HarkenError as error:
                errors.append(error)
        return entries, errors

    def point_to(self, value: Any) -> EntryPoint | None:
        """The entry point of a class or function; None if it has none. Imports no package."""
        reference = f"{value.__module__}:{value.__qualname__}"
        return next((point for point in _entry_points(self.group) if point.value == reference), None)

    def qualified(self, name: str) -> str:
        """The unique name of an entry that ``find`` finds: with its package, or unchanged for harken's own."""
        points = self._points(name)
        return name if name in self._own or not points else qualified_name(points[0])

    def _points(self, name: str) -> list[EntryPoint]:
        points = _entry_points(self.group)
        return [point for point in points if name in (point.name, qualified_name(point))]

    def _load(self, point: EntryPoint) -> Entry:
        try:
            return self._check(point.name, point.load())
        except HarkenError as error:
            raise HarkenError(f"{self._where(point)} cannot be used: {error}") from error
        except Exception as error:  # another package's code may raise any exception while it is imported
            raise HarkenError(
                f"{self._where(point)} cannot be imported ({type(error).__name__}: {error}); reinstall or uninstall "
                f"{package_of(point)}"
            ) from error

    def _where(self, point: EntryPoint) -> str:
        return f"the entry point {point.name} = {point.value} ({self.group}) of the package {package_of(point)}"


def package_of(point: EntryPoint) -> str:
    """The name of the installed package that an entry point belongs to."""
    return point.dist.name if point.dist is not None else "(without a name)"


def qualified_name(point: EntryPoint) -> str:
    """``package/name``."""
    return f"{package_of(point)}/{point.name}"


def is_installed(package: str) -> bool:
    """Whether a package of this name is installed."""
    try:
        distribution(package)
    except (PackageNotFoundError, ValueError):
        return False
    return True


def import_object(reference: str) -> Any:
    """The object that ``module:name`` names.

    Raises:
        HarkenError: when it cannot be imported.
    """
    module, _, name = reference.partition(":")
    try:
        value = import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
    except Exception as error:  # a user's module may raise any exception while it is imported
        raise HarkenError(
            f"{reference} cannot be imported ({type(error).__name__}: {error}); is its package installed, or its "
            "folder in PYTHONPATH?"
        ) from error
    return value


def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    return _entry_points_on(tuple(sys.path), group)


@cache
def _entry_points_on(path: tuple[str, ...], group: str) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - it is the key
    """The entry points of a group, cached, because searching all installed packages takes about 10 ms."""
    return tuple(entry_points(group=group))


def install_command(*what: str) -> str:
    """The command that installs packages for the running Python. A plain ``pip`` may belong to another environment.

    Args:
        what: options and packages as pip takes them; an extra of harken is ``harken[NAME]``.
    """
    # The brackets of an extra are special characters in a shell.
    return " ".join([sys.executable, "-m", "pip", "install", *(f'"{one}"' if "[" in one else one for one in what)])


def need_extra(extra: str, *modules: str, what: str) -> None:
    """Raise a HarkenError with the command that installs an extra, when modules of it are missing.

    Args:
        extra: the name of the extra in harken's ``pyproject.toml``.
        modules: the modules that are needed.
        what: what needs them, the beginning of the sentence, such as ``exported models``.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        names = listed(TRAINING.get(module, module) for module in missing)
        verb = "is not installed" if len(missing) == 1 else "are not installed"
        raise HarkenError(f"{what} needs {names}, which {verb}: {install_command(f'harken[{extra}]')}")


def need_training(what: str) -> None:
    """Raise a HarkenError when a package of the extra ``train`` is missing; ``what`` needs it."""
    need_extra("train", *TRAINING, what=what)


def missing_extra(error: ModuleNotFoundError, what: str) -> HarkenError | None:
    """The error of ``need_extra`` for a module of the extra ``train`` that could not be imported; None for others."""
    module = (error.name or "").partition(".")[0]
    if module not in TRAINING or find_spec(module) is not None:
        return None
    return HarkenError(f"{what} needs {TRAINING[module]}, which is not installed: {install_command('harken[train]')}")
