"""Options: each is declared once, at a field of a settings class or at a parameter of a command.

From the declaration come the option of the command line, the refusal of impossible values, and the row in the tables of
the documentation. Its default is that of the field.

>>> from dataclasses import dataclass
>>> from typing import Annotated
>>> from harken.support.options import Option, check_options, options_of
>>> @dataclass(frozen=True)
... class Settings:
...     smoothing: Annotated[bool, Option("Label each row by itself.", off="--no-smoothing")] = True
...     rate_hz: Annotated[float | None, Option("The rate.", flag="--rate", metavar="HZ", least=1)] = None
...     def __post_init__(self) -> None:
...         check_options(self)
>>> [declared.flag for declared in options_of(Settings)]
['--no-smoothing', '--rate']
>>> Settings(rate_hz=0)
Traceback (most recent call last):
harken.support.errors.HarkenError: --rate 0: this must be at least 1
"""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from harken.support.errors import HarkenError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Option:
    """What a user reads of an option, and which values it takes.

    Attributes:
        help: what it does, in a sentence.
        flag: its name on the command line; by default that of the field.
        off: the flag that makes the field false. A flag of a field that is false by default makes it true.
        metavar: what stands for its value in the help.
        least, most: its bounds, which are allowed and stand in the help.
        valid: whether a value is allowed, if bounds cannot express it.
        refusal: the error for a value that is not allowed, with ``{}`` for the value.
        panel: the heading of the help under which it stands.
        kind: the type of what is typed, if the field has another one.
        read: makes the value of the field from what is typed.
        typed: what would have to be typed for the default, if it is not the default itself.
        after: the field after which it stands in the help; by default the one before it.
    """

    help: str
    _: KW_ONLY
    flag: str | None = None
    off: str | None = None
    metavar: str | None = None
    least: float | None = None
    most: float | None = None
    valid: Callable[[Any], bool] | None = None
    refusal: str | None = None
    panel: str | None = None
    kind: Any = None
    read: Callable[[Any], Any] | None = None
    typed: str | None = None
    after: str | None = None


class Argument(Option):
    """A value that is typed without a flag."""


@dataclass(frozen=True)
class DeclaredOption:
    """An option with its field.

    Attributes:
        name: the name of the field.
        kind: its type.
        option: the option.
    """

    name: str
    kind: Any
    option: Option

    @property
    def flag(self) -> str:
        """The name on the command line."""
        return self.option.off or self.option.flag or f"--{self.name.replace('_', '-')}"

    def check(self, value: Any) -> None:
        """Raise a HarkenError if the value is impossible. None is always possible."""
        option = self.option
        words = next((get_args(kind) for kind in (self.kind, *get_args(self.kind)) if get_origin(kind) is Literal), ())
        if value is None:
            return
        if words and value not in words:
            why = f"choose one of {', '.join(words)}"
        elif option.valid is not None and not option.valid(value):
            why = "this value is impossible"
        elif option.least is not None and not value >= option.least:
            why = f"this must be at least {option.least:g}"
        elif option.most is not None and not value <= option.most:
            why = f"this must be at most {option.most:g}"
        else:
            return
        raise HarkenError(option.refusal.format(value) if option.refusal else f"{self.flag} {value}: {why}")


def declared(name: str, annotation: Any) -> DeclaredOption | None:
    """The option that is declared in ``Annotated[...]``; None without one."""
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
        for option in metadata:
            if isinstance(option, Option):
                return DeclaredOption(name, kind, option)
    return None


def options_of(settings: "type[DataclassInstance]") -> Iterator[DeclaredOption]:
    """The options of a settings class, in the order of its fields."""
    for field in fields(settings):
        if (option := declared(field.name, field.type)) is not None:
            yield option


def check_options(settings: "DataclassInstance") -> None:
    """Check the values of all options.

    Raises:
        HarkenError: for the first value that is out of bounds or not one of the words of its option; the message names
            the option as it is typed.
    """
    for option in options_of(type(settings)):
        option.check(getattr(settings, option.name))
