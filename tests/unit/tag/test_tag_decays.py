import itertools

import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.tag import decays
from resonaut.tag.settings import TagConfig

# What comes out of the resonances of CMS's taggers, and by which words.
WORDS = {
    "bb": [[5, -5]],
    "cs": [[4, -3], [-3, 4]],
    "qq": [[1, -2], [2, -2], [3, -1]],
    "bqq": [[5, 2, -1], [-1, 5, 2]],
    "jjjj": [[4, -3, 2, -1], [5, 5, 5, 5]],
    "lνqq": [[11, -12, 2, -1], [2, -1, -13, 14]],
    "tauv": [[-15, 16]],
    "mumu": [[13, -13]],
    "gg": [[21, 21]],
    "gammagamma": [[22, 22]],
}


@pytest.mark.parametrize("word", WORDS)
def test_a_jet_holds_the_decay_whose_products_are_in_it(word):
    for other, jets in WORDS.items():
        expected = [0 if other == word else -1] * len(jets)
        assert decays.labels(ak.Array(jets), [[word]]).tolist() == expected


def test_other_products_matter_but_for_a_star():
    jets = ak.Array([[5, -5], [5, -5, 21], [5, -5, 13, -14], [5], [5, -5, 1], [], [5] * 12])
    assert decays.labels(jets, [["qcd"], ["bb"]]).tolist() == [1, -1, -1, -1, -1, -1, -1]
    assert decays.labels(jets, [["qcd"], ["bb*"]]).tolist() == [1, 1, 1, -1, -1, -1, -1]
    assert decays.labels(jets[:0], [["bb"]]).tolist() == []


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("bb", "cc", True),
        ("bb", "jj", False),
        ("bqq", "qqb", False),
        ("bcq", "bqq", True),
        ("bb*", "bblv", False),
        ("bb*", "bqlv", True),
        ("jj*", "jjj*", True),
        ("ev", "lv", False),
        ("ev", "muv", True),
        ("qcd", "qcd", False),
        ("qcd", "jj*", True),
    ],
)
def test_classes_that_share_a_decay_are_refused(first, second, apart):
    for one, other in itertools.permutations([first, second]):
        decays.require_apart("classes", {"a": [one, one], "b": ["gg"]})
        if apart:
            decays.require_apart("classes", {"a": [one], "b": [other]})
        else:
            with pytest.raises(ConfigError, match=r"tag\.classes: .* may be the same jet"):
                decays.require_apart("classes", {"a": [one], "b": ["gg", other]})


@pytest.mark.parametrize("word", ["", "bx", "b b", "lv*", "*", "qcdb", "b" * 9, "qcd*"])
def test_what_is_no_decay_is_refused(word):
    with pytest.raises(ConfigError, match=r"classes\.a\[0\]': .* is not allowed; give qcd, or a word"):
        build({"classes": {"qcd": ["qcd"], "a": [word]}}, TagConfig, "config: tag")


@pytest.mark.parametrize("name", ["ignore", "a_b", "", "ν"])
def test_names_that_no_class_can_have_are_refused(name):
    with pytest.raises(ConfigError, match="is not allowed; give a name of letters and digits, not ignore"):
        build({"classes": {"qcd": ["qcd"], name: ["bb"]}}, TagConfig, "config: tag")


def test_networks_without_outputs_have_one_for_each_class():
    given = {"classes": {"bb": ["bb"], "top": ["bqq", "bcq"], "light": ["qcd"]}}
    named = {"outputs": ["light", "bb"], "background": "light"}
    networks = {"a": {"architecture": "particle_net", "background": "light"}, "b": {"architecture": "x", **named}}
    made = build({**given, "networks": networks}, TagConfig, "config: tag")
    assert made.networks["a"].classes == ["light", "bb", "top"]
    assert made.networks["b"].classes == ["light", "bb"]
    by_default = build({}, TagConfig, "config: tag").networks["part"].outputs
    assert by_default == ["qcd", "2prong", "3prong", "4prong"]


def test_a_network_with_an_output_of_no_class_is_refused():
    with pytest.raises(ConfigError, match=r"tag\.classes: has no 'cc', an output of a network"):
        decays.of(["qcd", "cc"], {"qcd": ["qcd"], "bb": ["bb"]})


def test_the_default_classes_count_the_quarks():
    rng = np.random.default_rng(1)
    jets = ak.Array([[*rng.integers(1, 6, quarks), *extra] for quarks in range(6) for extra in ([], [11, -12], [22])])
    found = decays.labels(jets, build({}, TagConfig, "").classes.values())
    assert found.reshape(6, 3).tolist() == [[label] * 3 for label in (-1, -1, 1, 2, 3, -1)]
