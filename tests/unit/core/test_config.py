from dataclasses import dataclass
from typing import Literal

import pytest

from resonaut.core import config
from resonaut.core.errors import ConfigError, InputFileError


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]
    size: float | None


@dataclass(frozen=True)
class Outer:
    inner: dict[str, Inner]
    edges: list[tuple[float, float]]
    n: int


GOOD = {"inner": {"x": {"kind": "a", "size": None}}, "edges": [[1, 2.5]], "n": 3}


def test_build_nested() -> None:
    assert config.build(GOOD, Outer, "f") == Outer({"x": Inner("a", None)}, [(1.0, 2.5)], 3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n": True}, "f: n: True is not of type int"),
        ({"n": "3"}, "f: n: '3' is not of type int"),
        ({"edges": 3}, "f: edges: 3 is not of type list"),
        ({"m": 1}, "key 'm' is unknown"),
        ({"edges": [[1, 2, 3]]}, "wants 2 values, has 3"),
        ({"inner": {"x": {"kind": "c", "size": 1}}}, "'c' is none of 'a', 'b'"),
        ({"inner": {"x": {"kind": "a"}}}, "key 'size' is missing"),
    ],
)
def test_build_names_what_is_wrong(change: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        config.build(GOOD | change, Outer, "f")


def test_read_missing_and_broken(tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"none\.json: no such file; run the stage"):
        config.read(tmp_path / "none.json", Outer)
    (tmp_path / "half.json").write_text('{"n": ')
    with pytest.raises(InputFileError, match=r"half\.json: not valid JSON"):
        config.read(tmp_path / "half.json", Outer)
    for text in ('{"n": NaN}', '{"n": 1e999}', '{"n": 1, "n": 2}'):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(
            InputFileError, match=r"odd\.json: not valid JSON \((NaN|1e999) is not a|odd\.json: .* twice"
        ):
            config.read(tmp_path / "odd.json", Outer)
