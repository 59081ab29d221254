"""The examples of docs/unfold.md, run as they stand there, and of the modules."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

from resonaut.core import formulas
from resonaut.unfold import bayes, kinds, omnifold, publish

PAGE = Path(__file__).parents[3] / "docs" / "unfold.md"


def test_the_notebook_of_the_page():
    rng = np.random.default_rng(1)
    particle, data = rng.normal(0, 1, (1500, 1)), rng.normal(0.2, 1, (1000, 1))
    detector = particle + rng.normal(0, 0.3, particle.shape)
    fiducial, passes = rng.uniform(size=(2, 1500)) < 0.9
    given = {"particle": particle, "detector": detector, "data": data, "fiducial": fiducial, "passes": passes}
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(example, given)
    assert given["found"].weights.sum() > 1000
    assert not given["found"].weights[~fiducial].any()


@pytest.mark.parametrize("module", [bayes, formulas, kinds, omnifold, publish], ids=lambda module: module.__name__)
def test_the_examples_of_a_module(module):
    if module is omnifold:
        pytest.importorskip("torch")
    found = doctest.testmod(module, extraglobs={"np": np})
    assert found.attempted
    assert not found.failed
