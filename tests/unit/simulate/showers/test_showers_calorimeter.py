"""Stacks of slabs: their depths and layers."""

import numpy as np
import pytest

from resonaut.simulate.showers import calorimeter


def depth(stack, *layers):
    """Radiation lengths of the slabs up to the last active one of some layers."""
    regions = np.array(calorimeter.regions(stack))
    return float(np.diff(stack.depths)[np.isin(regions, layers)].sum())


def test_the_barrel_has_the_depths_of_atlas():
    stack = calorimeter.barrel()
    # Radiation lengths at small |eta| (JINST 3 (2008) S08003, figure 5.2): 1.7 to 2 before, 4.3, 16 and 2.
    assert depth(stack, 0) == pytest.approx(1.78, abs=0.05)
    assert depth(stack, 1) == pytest.approx(4.3, abs=0.15)
    assert depth(stack, 2) == pytest.approx(16, abs=0.3)
    assert depth(stack, 3) == pytest.approx(2, abs=0.15)
    assert depth(stack, 12) > 10


def test_silicon_and_tungsten_are_153_mm_deep():
    stack = calorimeter.silicon_tungsten()
    assert stack.edges[-1] == pytest.approx(153)
    active = [slab.layer for slab in stack.slabs if slab.layer is not None]
    assert active == [layer for layer in range(45) for _ in range(2)]


@pytest.mark.parametrize("particle", ["photon", "electron"])
def test_every_layer_has_its_slabs_in_order(particle):
    stack = calorimeter.by_particle(particle)
    arrays = stack.arrays
    found = [place for place in arrays.layer if place >= 0]
    assert sorted(set(found)) == list(range(len(stack.geometry.layers)))
    assert found == sorted(found)
    assert arrays.first[-1] + arrays.rings[-1] * arrays.sectors[-1] == stack.geometry.voxels
    assert len(stack.scale) == stack.geometry.voxels
