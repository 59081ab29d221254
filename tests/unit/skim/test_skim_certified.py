"""Lists of certified luminosity sections, against coffea's."""

import json

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.skim.certified import Certified


@pytest.mark.parametrize("flat", [False, True])
def test_sections_are_those_of_coffea(tmp_path, flat) -> None:
    from coffea.lumi_tools import LumiMask  # which compiles for seconds, in every process that reads this file

    rng = np.random.default_rng(4)
    ranges = {}
    for run in (1, 273158, 325175):
        ends = np.sort(rng.choice(200, 12, replace=False)) + 1
        ranges[str(run)] = ends.tolist() if flat else ends.reshape(-1, 2).tolist()
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(ranges))
    run = rng.choice([1, 2, 273158, 325175], 5000).astype(np.uint32)
    section = rng.integers(0, 210, 5000).astype(np.uint32)
    found = Certified.read(path).holds(run, section)
    assert 0.2 < found.mean() < 0.8
    assert (found == LumiMask(str(path))(run, section)).all()


def test_ranges_in_any_order_that_overlap(tmp_path) -> None:
    path = tmp_path / "golden.json"
    path.write_text('{"7": [[20, 30], [1, 10], [5, 6]]}')
    found = Certified.read(path).holds(np.full(5, 7), np.array([1, 8, 15, 30, 31]))
    assert found.tolist() == [True, True, False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{}", '{"1": 3}', '{"1": [[1]]}', '{"x": [[1, 2]]}', '{"1": [[5, 2]]}', '{"1": [[1, -2]]}', "{"),
        *(
            '{"1": [[-3, 2]]}',
            '{"1": [[0.5, 2.5]]}',
            '{"-1": [[1, 2]]}',
            '{"1": [[1, 4294967297]]}',
            '{"1": [["1", "2"]]}',
        ),
    ],
)
def test_other_lists_are_refused(tmp_path, text) -> None:
    path = tmp_path / "golden.json"
    path.write_text(text)
    with pytest.raises(InputFileError, match=r"golden\.json: .*; give CMS's JSON list of certified sections"):
        Certified.read(path)
