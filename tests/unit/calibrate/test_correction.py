import json

import correctionlib
import numpy as np
import pytest
from correctionlib import schemav2

from resonaut.calibrate import correction
from resonaut.calibrate.bins import Splittings
from resonaut.calibrate.correction import LundRatio
from resonaut.errors import InputFileError


@pytest.fixture
def ratio(bins) -> LundRatio:
    rng = np.random.default_rng(3)
    return LundRatio(bins, rng.uniform(0.5, 2, bins.shape), rng.uniform(0.01, 0.2, bins.shape))


def test_correctionlib_agrees_with_our_lookup_everywhere(ratio, tmp_path):
    path = tmp_path / "correction.json"
    correction.write(path, ratio)
    schemav2.CorrectionSet.model_validate_json(path.read_text())
    rng = np.random.default_rng(4)
    # Beyond the outer edges too, and exactly on them.
    points = [rng.uniform(e[0] - 2, e[-1] + 2, 2000) for e in ratio.bins.edges]
    points = [np.concatenate([p, np.resize(e, 40)]) for p, e in zip(points, ratio.bins.edges, strict=True)]
    splittings = Splittings(np.arange(len(points[0])), *points)
    public = correctionlib.CorrectionSet.from_file(str(path))
    # The package's own JSON reader may miss the last bit of a number.
    assert public["lund_ratio"].evaluate(*points) == pytest.approx(ratio.evaluate(splittings), rel=1e-14)
    errors = LundRatio(ratio.bins, ratio.error, ratio.error)
    assert public["lund_ratio_error"].evaluate(*points) == pytest.approx(errors.evaluate(splittings), rel=1e-14)


def test_read_returns_what_was_written(ratio, tmp_path):
    correction.write(tmp_path / "c.json", ratio)
    back = correction.read(tmp_path / "c.json")
    assert back.bins == ratio.bins
    assert np.array_equal(back.ratio, ratio.ratio)
    assert np.array_equal(back.error, ratio.error)


def test_equal_content_gives_equal_bytes(ratio, tmp_path):
    correction.write(tmp_path / "a.json", ratio)
    correction.write(tmp_path / "b.json", correction.read(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def _drop_error(document):
    document["corrections"] = document["corrections"][:1]


def _other_bins(document):
    document["corrections"][1]["data"]["edges"][0][1] = 151.0


def _uniform_edges(document):
    for entry in document["corrections"]:
        entry["data"]["edges"][0] = {"n": 2, "low": 0.0, "high": 400.0}


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda document: document.pop("corrections"), "not a correctionlib file"),
        (_drop_error, "no binned corrections lund_ratio and lund_ratio_error"),
        (_other_bins, "not binned alike"),
        (_uniform_edges, "not lists of rising edges"),
    ],
)
def test_another_file_is_refused_by_name(ratio, tmp_path, spoil, problem):
    path = tmp_path / "c.json"
    correction.write(path, ratio)
    document = json.loads(path.read_text())
    spoil(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InputFileError, match=rf"c\.json: .*{problem}.*; make it with `resonaut calibrate measure`"):
        correction.read(path)
