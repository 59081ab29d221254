from itertools import pairwise

import pytest

from resonaut.core import windows
from resonaut.core.errors import ConfigError

# Of CMS EXO-22-026.
ALPHA = [1450, 1650, 2017, 2465, 3013, 3682, 4500, 5500, 8000]
BETA = [1492, 1824, 2230, 2725, 3331, 4071, 4975, 6081, 8000]


def test_neighbouring_bins_are_a_signal_region_and_its_sidebands():
    found = windows.expand({}, {"a": [1, 2, 3, 5, 9]})
    rest = {"observable": "m_jj", "spectra": {}}
    assert found == {
        "a1": {"signal_region": [2, 3], "sidebands": [[1, 2], [3, 5]]} | rest,
        "a2": {"signal_region": [3, 5], "sidebands": [[2, 3], [5, 9]]} | rest,
    }


def test_the_chains_of_cms_make_twelve_windows():
    found = windows.expand({}, {"alpha": ALPHA, "beta": BETA})
    assert list(found) == [f"{chain}{number}" for chain in ("alpha", "beta") for number in range(1, 7)]
    assert found["alpha1"]["signal_region"] == [1650, 2017]
    assert found["alpha1"]["sidebands"] == [[1450, 1650], [2017, 2465]]
    assert found["beta6"]["signal_region"] == [4975, 6081]
    assert found["beta6"]["sidebands"] == [[4071, 4975], [6081, 8000]]
    for window in found.values():
        (low, high), (below, above) = window["signal_region"], window["sidebands"]
        assert below[0] < below[1] == low < high == above[0] < above[1]
    # The signal regions of both chains together leave no mass between them out.
    regions = sorted(window["signal_region"] for window in found.values())
    assert all(first[1] > second[0] for first, second in pairwise(regions))


def test_windows_stay_and_nothing_given_is_changed():
    given = {"w": {"signal_region": [10, 11], "sidebands": [[9, 10], [11, 12]]}}
    found = windows.expand(given, {"a": [1, 2, 3, 4]})
    assert list(found) == ["w", "a1"]
    assert found["w"] == given["w"]
    assert list(given) == ["w"]
    assert windows.expand(given, {}) == given


@pytest.mark.parametrize("edges", [[1, 2, 3], [], [1, 3, 2, 4], [1, 2, 2, 3], [4, 3, 2, 1]])
def test_a_chain_without_ascending_bins_is_refused(edges):
    with pytest.raises(ConfigError, match=r"select\.window_chains\.cms wants at least four ascending edges in GeV"):
        windows.expand({}, {"cms": edges})


@pytest.mark.parametrize(
    ("given", "chains"),
    [({"a1": {}}, {"a": [1, 2, 3, 4]}), ({}, {"a1": range(14), "a": range(14)})],
)
def test_two_windows_of_one_name_are_refused(given, chains):
    chains = {name: list(edges) for name, edges in chains.items()}
    with pytest.raises(ConfigError, match=r"select\.window_chains\.a makes a second window 'a1\d?'; rename"):
        windows.expand(given, chains)
