import json

import hist
import pytest

from resonaut.core import histograms


@pytest.mark.parametrize("storage", [hist.storage.Int64(), hist.storage.Weight()])
def test_a_histogram_survives_the_way_through_json(storage):
    histogram = hist.Hist(hist.axis.Regular(4, 2000, 4000, name="m_jj", label="m_jj [GeV]"), storage=storage)
    histogram.fill([1000, 2100, 2600, 2700, 5000])
    data = histograms.to_json(histogram)
    assert histograms.from_json(json.loads(json.dumps(data))) == histogram
    assert histograms.from_json(data).axes[0].label == "m_jj [GeV]"


def test_the_versions_of_libraries_are_no_part_of_a_result():
    assert "version" not in json.dumps(histograms.to_json(hist.Hist(hist.axis.Regular(2, 0, 1))))
