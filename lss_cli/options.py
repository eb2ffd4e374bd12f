"""Options: a field with type, default, help and limits, from which all their uses are made.

The fields of an `OptionSet` are the options of a command (`lss_cli.cli.options.with_options_of`),
the keys of a TOML file and, where there is something to search, the dimensions of tuning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from lss_cli.anatomy import Condition
from lss_cli.errors import UsageError
from lss_cli.text import printable, printable_value, suggest
from lss_cli.validation import explain

# Characters of a file of options, and of a word that may be one misspelt. A key of many parts takes
# tomllib time with their square: of 16 KiB a second, of 120 KiB a minute.
LARGEST_FILE = 2**14
LARGEST_WORD = 80


@dataclass(frozen=True)
class Range:
    """Numbers that tuning may try.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Whether each factor counts the same, instead of each difference.
    """

    low: float
    high: float
    log: bool = False


# What tuning may try: a range, or one of several values.
Search = Range | tuple[Any, ...]


def option(
    default: Any,
    text: str,
    *,
    low: float = 0,
    high: float = 1e9,
    search: Search = (),
    custom_only: bool = False,
    flag: str = "",
    typed: str = "",
    metavar: str = "",
    parser: Callable[[str], Any] | None = None,
    parts: Mapping[str, Any] | None = None,
) -> Any:
    """A field of an `OptionSet`.

    Args:
        default: Its value unless told otherwise.
        text: One line for ``--help``.
        low: The smallest number allowed.
        high: The largest.
        search: What tuning tries unless told otherwise; nothing for most.
        custom_only: Whether it concerns the custom network alone.
        flag: On the command line, if that is not the field's name; for a switch that has no
            opposite, its name.
        typed: The default as it would be typed, if that is not plain.
        metavar: What stands for a value in ``--help``, if that is not its type.
        parser: Reads what is typed. Where the type is a tuple of any length, it reads one item,
            and the option may be given several times.
        parts: Of an option that is a dataclass: an `option` for each of its fields, each of which
            is an option of the command line.
    """
    about = {"text": text, "low": low, "high": high, "search": search, "custom_only": custom_only}
    about |= {
        "flag": flag,
        "typed": typed,
        "metavar": metavar,
        "parser": parser,
        "parts": parts or {},
    }
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class OptionSet:
    """Options that belong together; valid from construction on.

    Raises:
        UsageError: A value that cannot be.
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in self.option_fields():
            object.__setattr__(self, name, self.check_value(name, getattr(self, name)))

    @classmethod
    def option_fields(cls) -> dict[str, "Field[Any]"]:
        """The options by name."""
        return {option.name: option for option in fields(cls)}

    @classmethod
    def type_of(cls, name: str) -> Any:
        """The type of an option."""
        return get_type_hints(cls)[name]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> Self:
        """From keys and values of a file.

        Raises:
            UsageError: A key that does not exist (the nearest is named), or a bad value.
        """
        from pydantic import ValidationError

        known = dict(values)
        for name, field_ in cls.option_fields().items():
            parts = {part: known.pop(part) for part in field_.metadata["parts"] if part in known}
            if parts:
                try:
                    known[name] = replace(known.get(name, field_.default), **parts)
                except ValidationError as error:
                    raise UsageError(explain(error)) from None
        return cls(**{cls.check_key(key, where): value for key, value in known.items()})

    @classmethod
    def check_key(cls, key: str, where: str) -> str:
        """`key`, if there is such an option.

        Raises:
            UsageError: There is none; names the nearest.
        """
        if key not in cls.option_fields():
            raise UsageError(
                f"{where}: there is no option {printable(key)!r}."
                f"{suggest(key[:LARGEST_WORD], cls.option_fields())}"
            )
        return key

    @classmethod
    def check_value(cls, name: str, value: Any) -> Any:
        """`value` in the type of the option `name`.

        Raises:
            UsageError: It is of another type, or outside of the option's limits.
        """
        from pydantic import TypeAdapter, ValidationError

        kind = get_type_hints(cls, include_extras=True)[name]
        plain = cls.type_of(name)
        if plain is int:
            value = _to_whole(value)
        elif get_origin(plain) is tuple and isinstance(value, list):
            # As command line and TOML give several.
            whole = _takes_whole_numbers(plain)
            value = tuple(_to_whole(item) if whole else item for item in value)
        try:
            checked = TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError:
            raise cls._of_another_type(name, value) from None
        low, high = (cls.option_fields()[name].metadata[end] for end in ("low", "high"))
        numbers = checked if isinstance(checked, tuple) else (checked,)
        if not all(low <= number <= high for number in numbers if type(number) in (int, float)):
            raise UsageError(f"{name} is {printable_value(value)}, it can be {low:g} to {high:g}.")
        return checked

    @classmethod
    def _of_another_type(cls, name: str, value: Any) -> UsageError:
        kind = cls.type_of(name)
        if get_origin(kind) is Literal:
            return UsageError(
                f"{name} is {printable_value(value)}.{_suggest(value, get_args(kind))}",
                todo=f"There is: {', '.join(get_args(kind))}.",
            )
        wanted = "whole numbers" if _takes_whole_numbers(kind) else getattr(kind, "__name__", kind)
        return UsageError(f"{name} is {printable_value(value)}; {wanted} wanted.")

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return asdict(self)

    def to_toml(self) -> str:
        """As a file that ``--config`` takes."""
        import tomli_w

        return tomli_w.dumps(self.to_json())


def _takes_whole_numbers(kind: Any) -> bool:
    """Whether a type is a tuple of whole numbers."""
    return get_args(kind)[:1] == (int,)


def _to_whole(value: Any) -> Any:
    """2 for 2.0, which a file may hold where a whole number is wanted; all else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _suggest(value: Any, known: Sequence[str]) -> str:
    return suggest(value[:LARGEST_WORD], known) if isinstance(value, str) else ""


def parse_condition(name: str) -> Condition:
    """Read ``--condition``.

    Raises:
        UsageError: The name is no condition; the message lists those that exist.
    """
    try:
        return Condition.parse(name)
    except ValueError as error:
        raise UsageError(f"--condition: {error}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's table.

    Raises:
        UsageError: It cannot be read.
    """
    import tomllib

    try:
        # As much as is wanted of it, so that /dev/zero has an end too.
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise ValueError("it is too large for options")
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(
            "the file cannot be read (it is nested too deeply).", where=str(path)
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"the file cannot be read ({error}).", where=str(path)) from None
