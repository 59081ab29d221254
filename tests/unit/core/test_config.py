import pytest

from resonaut.core import config
from resonaut.core.errors import InputFileError
from resonaut.core.record import record


@record
class Outer:
    """A number."""

    n: int


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
