"""The mean images of a window's jets."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.collisions import Collisions
from resonaut.select.images import EDGE, PIXELS, images
from resonaut.select.settings import Window


@pytest.mark.parametrize("unit", ["GeV", "1"])
def test_images_are_of_the_signal_region_in_the_unit_of_its_observable(tmp_path, write_skimmed, unit) -> None:
    mass, selected = np.array([1.0, 2.5, 2.7, 2.9, 5.0]), np.array([True, False, True, True, True])
    key = dict.fromkeys(events.KEY, np.arange(len(mass)))
    jets = {f"{jet}_{name}": np.zeros(len(mass)) for jet in ("j1", "j2") for name in ("eta", "phi")}
    pt = ak.Array([[3.0, 1.0]] * len(mass))
    jets |= {
        f"{jet}_pf_{name}": pt if name == "pt" else 0 * pt for jet in ("j1", "j2") for name in ("pt", "eta", "phi")
    }
    content = ak.Array(key | jets | {"gen_weight": np.ones(len(mass)), "m": mass})
    known = {"nature": "data", "luminosity": 1.0, "cross_section": None}
    data = Collisions.open([write_skimmed(tmp_path, "data", [[content]], {"m": unit}, **known)])
    friend = ak.Array(key | {"selected_cwola": selected})
    events.write(data.datasets[0].path("select/cwola/w", "000"), [friend], {})
    window = Window(observable="m", signal_region=(2, 3), sidebands=((1, 2), (3, 4)))
    found = images(data, "cwola", "w", window)
    assert (found.unit, found.signal_region) == (unit, (2, 3))
    assert (found.events.rejected, found.events.selected) == (1, 2)
    for kind in (found.rejected, found.selected):
        assert np.shape(kind) == (2, PIXELS, PIXELS)
        np.testing.assert_allclose(np.sum(kind, axis=(1, 2)), 1)
    assert found.edges[-1] == EDGE
