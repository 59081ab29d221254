"""The example of docs/fit_templates.md is a model, and the examples of the modules are right."""

import doctest
import re
from pathlib import Path

import numpy as np
import yaml

from resonaut.core.record import build
from resonaut.fit.section import Section
from resonaut.fit.templates import smoothing

PAGE = Path(__file__).parents[4] / "docs" / "fit_templates.md"


def test_the_example_of_the_page_is_a_section():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (model,) = build(yaml.safe_load(example)["fit"], Section, "config: fit").models.values()
    assert model.nuisances["trigger"].also[0].size == (1 / 1.05, 1.05)
    assert model.smooth == "353QH"


def test_the_example_of_smoothing():
    found = doctest.testmod(smoothing, extraglobs={"np": np})
    assert found.attempted
    assert not found.failed
