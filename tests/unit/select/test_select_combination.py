from dataclasses import replace

import awkward as ak
import numpy as np

from resonaut.select import method as methods
from resonaut.select.settings import CombinationSettings


def test_a_combination_reads_the_scores_of_its_methods_in_its_window(settings):
    both = {"both": CombinationSettings(methods=["tagger", "cwola"], rule="sum")}
    method = methods.make("both", replace(settings, combinations=both), "w9")
    assert method.columns == ("score_tagger", "score_cwola")
    assert method.friends == ("select/tagger/w9", "select/cwola/w9")
    key = {name: np.array([1, 2], np.int64) for name in ("run", "luminosityBlock", "event")}
    events = ak.Array(key | {"score_tagger": np.float32([0.25, 1]), "score_cwola": np.float32([0.5, 0])})
    raw = method.raw(events, "data")
    assert raw.value.tolist() == [[0.25, 0.5], [1, 0]]
    assert (raw.combination, raw.model.tolist()) == ("sum", [0, 0])
