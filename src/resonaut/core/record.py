"""Records: frozen, closed dataclasses of plain values, the form of every configuration section and every result.

A configuration key declares itself once, in the class of its section: name, type, default, unit, bounds, meaning.
Validation, the tables of the documentation and the editors' JSON schema come from there. A class says in ``MOVED`` what
stands for its former keys.

>>> @record
... class Jets:
...     radius: float = key("Radius of the anti-kT jets.", default=0.8, gt=0)
...     pt_min: GeV = key("Smallest transverse momentum.", default=200)
>>> build({"pt_min": "0.3 TeV"}, Jets, "config: jets")
Jets(radius=0.8, pt_min=300.0)
"""

import dataclasses
import difflib
import functools
import inspect
import json
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, cast, dataclass_transform

import pydantic.dataclasses
from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from resonaut.core import units
from resonaut.core.errors import ConfigError

T = TypeVar("T")


def key(meaning: str | None = None, *, unit: str = "", unique: bool = False, merge: bool = False, **facts: Any) -> Any:
    """The declaration of a key; without a ``meaning`` it is that of the parent class with another default.

    Args:
        meaning: one or two sentences for the documentation.
        unit: of a number whose type does not name one.
        unique: no element of a list is there twice.
        merge: a mapping keeps its default entries when a configuration adds its own.
        facts: ``default``, of a section as plain data, and bounds, as pydantic names them.
    """
    extra: dict[str, Any] = ({"unit": unit} if unit else {}) | ({"merge": True} if merge else {})
    declared: FieldInfo = Field(description=meaning, json_schema_extra=extra or None, validate_default=True, **facts)
    if unique:
        declared.metadata.append(AfterValidator(_require_unique))
    return declared


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
def record(cls: type[T]) -> type[T]:
    """Make a class a frozen, closed dataclass that ``build`` makes of plain JSON data.

    Raises:
        TypeError: a key is an integer ``Literal``, which pydantic does not tell from a boolean.
    """
    for name in inspect.get_annotations(cls):
        declared = cls.__dict__.get(name)
        if isinstance(declared, FieldInfo) and declared.description is None:
            known = next(found[name] for base in cls.__mro__[1:] if name in (found := keys(base)))
            setattr(cls, name, FieldInfo.merge_field_infos(known, default=declared.default))
    # Python's names of keys with an alias, as ``global_``.
    config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True)
    made: Any = pydantic.dataclasses.dataclass(cls, frozen=True, kw_only=True, config=config)
    for name, field in keys(made).items():
        if _has_integer_literal(field.annotation):
            raise TypeError(f"{cls.__name__}.{name}: an integer Literal accepts true as 1; declare an int with bounds.")
    return cast(type[T], made)


def _has_integer_literal(hint: Any) -> bool:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return any(type(value) is int for value in parts)
    return any(map(_has_integer_literal, parts))


def composed(base: type[T], parts: Mapping[str, type]) -> type[T]:
    """A record with the keys of ``base``, and one for each of the records ``parts``, whose docstring is its meaning.

    Raises:
        ConfigError: ``base`` has a key of that name.
    """
    for name in parts.keys() & keys(base).keys():
        raise ConfigError(f"config: there is already a key {name!r} where a method has keys of its own; rename it.")
    declared = {name: key(inspect.getdoc(kind), default={}) for name, kind in parts.items()}
    about = {"__module__": base.__module__, "__doc__": base.__doc__, "__annotations__": dict(parts)}
    return record(type(base.__name__, (base,), about | declared))


def keys(kind: Any) -> dict[str, FieldInfo]:
    """The declarations of a record's keys, by the name that a configuration gives them; none of what is no record."""
    found: dict[str, FieldInfo] = getattr(kind, "__pydantic_fields__", {})
    return {declared.alias or name: declared for name, declared in found.items()}


@functools.cache
def hints(kind: Any) -> dict[str, Any]:
    """The types of a record's keys, with what annotates them."""
    found = typing.get_type_hints(kind, include_extras=True) if keys(kind) else {}
    declared: dict[str, FieldInfo] = getattr(kind, "__pydantic_fields__", {})
    return {(name in declared and declared[name].alias) or name: hint for name, hint in found.items()}


def unit(hint: Any, declared: FieldInfo) -> str:
    """The unit of a key, as its type or its declaration names it."""
    extra = declared.json_schema_extra
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    if isinstance(hint, Unit):
        return hint.name
    return next(filter(None, (unit(part, declared) for part in typing.get_args(hint))), "")


def _require_unique(values: list[Any] | None) -> list[Any] | None:
    if values and len(set(map(str, values))) < len(values):
        raise ValueError(f": {values} has an element twice; take one out.")
    return values


@dataclasses.dataclass(frozen=True)
class Unit:
    """Marks a number that may be written with a unit of the same kind as ``name``."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The number in this unit, whatever the one that it is written with."""
        convert = functools.partial(units.number, unit=self.name)
        return core_schema.no_info_before_validator_function(convert, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """For editors: a number, or a text with a unit."""
        return {"anyOf": [{"type": "number"}, {"type": "string"}], "unit": self.name}


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Marks a text of a pattern, which is in words what it must be."""

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The text, or a sentence with the words."""
        return core_schema.no_info_after_validator_function(self._require, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """For editors."""
        return {"type": "string", "pattern": self.pattern}

    def _require(self, text: str) -> str:
        if re.search(self.pattern, text) is None:
            raise ValueError(f": {text!r} is not allowed; give {self.words}.")
        return text


@dataclasses.dataclass(frozen=True)
class Part:
    """Marks plain data with some of the keys of the record ``kind``, none of those ``without``."""

    kind: Any
    without: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The given keys alone, as the record has them."""
        return core_schema.no_info_plain_validator_function(self._require)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """For editors: the names of the keys."""
        names = [name for name in keys(self.kind) if name not in self.without]
        return {"type": "object", "propertyNames": {"enum": names}}

    def _require(self, given: Any) -> Any:
        if not isinstance(given, dict):
            raise ValueError(f": {given!r} is no mapping; give the keys that differ.")
        for name in self.without:
            if name in given:
                raise ValueError(f": {name!r} cannot stand here; give it one level above 'observables'.")
        try:
            whole = plain(build(given, self.kind, ""), self.kind)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return _given(whole, given)


def _given(whole: Any, given: Any) -> Any:
    """Of the ``whole`` what is ``given``."""
    if not (isinstance(whole, dict) and isinstance(given, dict)):
        return whole
    return {name: _given(whole[name], value) for name, value in given.items()}


GeV = Annotated[float, Unit("GeV")]
MeV = Annotated[float, Unit("MeV")]
Fb = Annotated[float, Unit("fb")]
InverseFb = Annotated[float, Unit("1/fb")]
Positive = Annotated[T, Field(gt=0)]
NonNegative = Annotated[T, Field(ge=0)]
Natural = Annotated[int, Field(ge=1)]
# Names become names of files and folders, and Snakemake's wildcards.
Name = Annotated[str, Pattern(r"^[A-Za-z0-9_]{1,64}$", "a name of letters, digits and _")]


@functools.cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Pydantic's reader and writer of a type."""
    return TypeAdapter(kind)


def build(value: Any, kind: type[T], where: str, *, merge: bool = False) -> T:
    """The record ``kind`` of plain JSON data; with ``merge`` mappings declared so keep their default entries.

    Raises:
        ConfigError: one sentence, which begins with ``where``, on the first key that is unknown, missing or wrong.
    """
    try:
        _require_plain(value)
        made: T = adapter(cast(Any, kind)).validate_json(json.dumps(_complete(value, kind, merge)), strict=True)
    except pydantic.ValidationError as error:
        # Unknown keys first: a misspelt key often causes the other errors.
        found = sorted(error.errors(), key=lambda e: e["type"] != "unexpected_keyword_argument")
        raise ConfigError(f"{where}: {_sentence(found[0], kind)}") from None
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
    return made


def _complete(value: Any, kind: Any, merge: bool) -> Any:
    """Plain data with the defaults of the keys that are not there."""
    kind = bare(kind)
    if isinstance(value, list) and typing.get_origin(kind) is list:
        return [_complete(entry, typing.get_args(kind)[0], merge) for entry in value]
    if not isinstance(value, dict):
        return value
    if typing.get_origin(kind) is dict:
        return {name: _complete(entry, typing.get_args(kind)[1], merge) for name, entry in value.items()}
    filled = dict(value)
    for name, declared in keys(kind).items():
        extra = declared.json_schema_extra
        if name not in value and not declared.is_required():
            filled[name] = declared.default
        elif merge and isinstance(value.get(name), dict) and isinstance(extra, dict) and "merge" in extra:
            filled[name] = declared.default | value[name]
        if name in filled:
            filled[name] = _complete(filled[name], hints(kind)[name], merge)
    return filled


def _require_plain(value: Any, place: tuple[str | int, ...] = ()) -> None:
    """Stop at what no key can mean: YAML reads ``1:`` as a number's key, ``.nan`` as a number below no bound."""
    at = f"key {dotted(place)!r}"
    if isinstance(value, dict):
        for name, sub in value.items():
            if not isinstance(name, str):
                raise ValueError(f"{dotted(place) or 'top level'}: the key {name!r} is no text; put it in quotes.")
            _require_plain(name, place)
            _require_plain(sub, (*place, name))
    elif isinstance(value, list):
        for number, sub in enumerate(value):
            _require_plain(sub, (*place, number))
    elif isinstance(value, str) and not value.isprintable():
        raise ValueError(f"{at}: {value!r} holds a line break or another control character.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{at} is {value}; give a finite number.")
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(f"{at}: {value} is beyond 2^63; give a smaller number.")
    elif not isinstance(value, str | int | float | None):
        raise ValueError(f"{at}: {value} is a {type(value).__name__}; put it in quotes.")


def plain(value: Any, kind: Any) -> Any:
    """The JSON data of which ``build`` makes ``value`` again."""
    return adapter(kind).dump_python(value, mode="json", by_alias=True)


# What pydantic says of JSON, in words of YAML.
_FAULTS = {
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping, 'name: value'",
    "dataclass_type": "should be a mapping, 'key: value'",
    "string_type": "should be a text, in quotes",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
}


def _sentence(error: Any, kind: Any) -> str:
    """What is wrong with which key, and what the key is."""
    place = [part for part in error["loc"] if part != "[key]"]
    if error["type"] == "missing" and isinstance(place[-1], int):
        # An entry of a list of so many.
        error, place = {**error, "type": "too_short"}, place[:-1]
    _, about, parts = _at(kind, place)
    path, value = dotted(parts), error["input"]
    if error["type"] == "unexpected_keyword_argument":
        holder = _at(kind, place[:-1])[0]
        if moved := getattr(holder, "MOVED", {}).get(place[-1]):
            return f"unknown key {path!r}; it is now {moved}."
        known = list(keys(holder))
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the keys here are {', '.join(known)}."
        return f"unknown key {path!r}; {hint}"
    if error["type"] == "missing":
        return f"key {dotted(parts[:-1]) or 'top level'!r}: {place[-1]!r} is missing; add it."
    if error["type"] == "value_error":
        # That of a part of a record begins with a key, too, of the part.
        return f"key {path!r}{error['ctx']['error']}".replace("': key '", ".", 1)
    fault = _FAULTS.get(error["type"]) or error["msg"].replace("Input should", "should", 1)
    return f"key {path!r}: {value!r} {fault}" + (f"; it is: {about}." if about else ".")


def dotted(place: Sequence[str | int]) -> str:
    """``datasets.data.files[0]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _at(kind: Any, place: Sequence[str | int]) -> tuple[Any, str, list[str | int]]:
    """The type of what stands at a place of a record, the meaning of the last key that has one, and the place in YAML.

    Pydantic's place has a part more at each union: the alternative that it tried, as ``list[int]``.
    """
    meaning, path = "", list[str | int]()
    for part in place:
        if len(alternatives := _alternatives(kind)) > 1:
            kind = next((one for one in alternatives if part in (str(one), getattr(one, "__name__", ""))), Any)
            continue
        path.append(part)
        kind = bare(kind)
        if declared := keys(kind).get(str(part)):
            kind, meaning = hints(kind)[str(part)], declared.description or meaning
        else:
            kind = (Any, *typing.get_args(kind), Any)[-2]
    return bare(kind), " ".join(meaning.split()).rstrip("."), path


def _alternatives(kind: Any) -> list[Any]:
    """What a value of a type may be, without None."""
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return [kind]
    return [part for part in typing.get_args(kind) if part is not types.NoneType]


def bare(kind: Any) -> Any:
    """A type without what annotates it and without None."""
    while typing.get_origin(kind) in (Annotated, typing.Union, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    return kind
