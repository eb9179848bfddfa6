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

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args, get_origin

from harken.support.errors import HarkenError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

REQUIRED = inspect.Parameter.empty
"""The default of an option that must be given."""


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        return f"Option({self.help!r})"  # what help() shows in the signature of a settings class


class Argument(Option):
    """A value that is typed without a flag."""


@dataclass(frozen=True)
class DeclaredOption:
    """An option where it is declared.

    Attributes:
        name: the name of the field or parameter.
        kind: its type.
        default: its default, or ``REQUIRED``.
        option: the option.
    """

    name: str
    kind: Any
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """The name on the command line."""
        return self.option.off or self.option.flag or f"--{self.name.replace('_', '-')}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words of a ``Literal``, of which it is one; empty for other types."""
        kinds = (self.kind, *get_args(self.kind))
        return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())

    def check(self, value: Any) -> None:
        """Raise a HarkenError if the value is impossible. None is always possible."""
        option = self.option
        if value is None:
            return
        if self.words and value not in self.words:
            why = f"choose one of {', '.join(self.words)}"
        elif option.valid is not None and not option.valid(value):
            why = "this value is impossible"
        elif option.least is not None and not value >= option.least:
            why = f"this must be at least {option.least:g}"
        elif option.most is not None and not value <= option.most:
            why = f"this must be at most {option.most:g}"
        else:
            return
        raise HarkenError(option.refusal.format(value) if option.refusal else f"{self.flag} {value}: {why}")


def declared(name: str, annotation: Any, default: Any) -> DeclaredOption | None:
    """The option that ``Annotated[...]`` declares; None without one."""
    if get_origin(annotation) is Annotated:
        kind, *others = get_args(annotation)
        for option in others:
            if isinstance(option, Option):
                return DeclaredOption(name, kind, default, option)
    return None


def settings_class(annotation: Any) -> tuple[Any, list[inspect.Parameter]]:
    """The class of an annotation and its parameters, if it is a settings class, else no parameters. Fields that
    ``Annotated`` names, as in ``Annotated[Settings, "preset"]``, are left out."""
    kind, *left_out = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    parameters = inspect.signature(kind).parameters.values() if inspect.isclass(kind) and is_dataclass(kind) else ()
    return kind, [parameter for parameter in parameters if parameter.name not in left_out]


def options_of(taker: Callable[..., Any]) -> Iterator[DeclaredOption]:
    """The options of a command or a settings class, and those of settings in it, in their order."""
    waiting = list(inspect.signature(taker).parameters.values())
    while waiting:
        parameter = waiting.pop(0)
        if (option := declared(parameter.name, parameter.annotation, parameter.default)) is not None:
            yield option
        waiting = settings_class(parameter.annotation)[1] + waiting


def check_options(settings: "DataclassInstance") -> None:
    """Check the values of the options of settings.

    Raises:
        HarkenError: for the first value that is out of bounds or not one of the words of its option; the message names
            the option as it is typed.
    """
    for field in fields(settings):
        if (option := declared(field.name, field.type, field.default)) is not None:
            option.check(getattr(settings, field.name))


class NamedOption(NamedTuple):
    """An option in a sentence, such as an error.

    Attributes:
        name: the name of the field or parameter.
        metavar: what stands for its value in this sentence; empty if nothing does.
    """

    name: str
    metavar: str


def split_at_options(sentence: str, options: Iterable[DeclaredOption]) -> list[str | NamedOption]:
    """Split a sentence at the options that it names.

    Sentences name an option by its flag, because the command line is where most users meet it. Whatever takes options
    in another way, such as a query or a page, puts its own name in place of each.

    >>> from harken.readers import TableOptions
    >>> from harken.support.options import options_of, split_at_options
    >>> split_at_options("number the rows with --rate HZ", options_of(TableOptions))
    ['number the rows with ', NamedOption(name='sample_rate_hz', metavar='HZ')]
    """
    by_flag = {declared.flag: declared for declared in options}
    flags = "|".join(map(re.escape, by_flag))
    pattern = re.compile(rf"(?<![\w-])(?P<flag>{flags})(?![\w-])(?: (?P<metavar>[A-Z]+)\b)?")
    parts: list[str | NamedOption] = []
    end = 0
    for match in pattern.finditer(sentence):
        parts += [sentence[end : match.start()], NamedOption(by_flag[match["flag"]].name, match["metavar"] or "")]
        end = match.end()
    return [part for part in (*parts, sentence[end:]) if part]
