import json

import hist
import pytest

from resonaut import spectrum


@pytest.mark.parametrize("storage", [hist.storage.Int64(), hist.storage.Weight()])
def test_a_histogram_survives_the_way_through_json(storage):
    histogram = hist.Hist(hist.axis.Regular(4, 2000, 4000, name="m_jj", label="m_jj [GeV]"), storage=storage)
    histogram.fill([1000, 2100, 2600, 2700, 5000])
    data = spectrum.to_json(histogram)
    assert spectrum.from_json(json.loads(json.dumps(data))) == histogram
    assert spectrum.from_json(data).axes[0].label == "m_jj [GeV]"


def test_the_versions_of_libraries_are_no_part_of_a_result():
    assert "version" not in json.dumps(spectrum.to_json(hist.Hist(hist.axis.Regular(2, 0, 1))))
