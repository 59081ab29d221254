import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.skim.corrections.tables import Table


def test_inputs_are_found_by_name(write_tables, make_table) -> None:
    """x - 10 y, whatever the order of what is given."""
    table = Table.of(write_tables(make_table("a", ["one", "two"], "x-10*y")))
    assert table({"two": np.array([1.0, 2.0]), "three": 0, "one": np.array([3.0, 4.0])}).tolist() == [-7, -16]
    jets = ak.zip({"one": [[1.0, 2.0], []]})
    assert table.of_jets(jets, {"one": jets.one, "two": np.array([5.0, 6.0])}).tolist() == [[-49, -48], []]


def test_faults_end_in_a_sentence(write_tables, make_table, tmp_path) -> None:
    path = write_tables(make_table("a", ["one"], {"nominal": "x"}), make_table("b", ["one"], "x"))
    with pytest.raises(InputFileError, match="has 2 tables; name one of a, b"):
        Table.of(path)
    table = Table.of(path, "a")
    with pytest.raises(InputFileError, match="'a' asks for 'one', and there is systematic"):
        table({"systematic": "nominal"})
    with pytest.raises(InputFileError, match="'a' cannot be evaluated"):
        table({"systematic": "sideways", "one": np.ones(1)})
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputFileError, match="is no file of correctionlib"):
        Table.of(str(tmp_path / "other.json"))
