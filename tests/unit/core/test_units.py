"""Numbers with units: spellings, and what is asked back."""

import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.units import quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        (138, "1/fb", 138.0),
        ("138", "1/fb", 138.0),
        ("138 /fb", "1/fb", 138.0),
        ("138fb-1", "1/fb", 138.0),
        ("138 fb^{-1}", "1/fb", 138.0),
        ("138 fb⁻¹", "1/fb", 138.0),
        ("138000 /pb", "1/fb", 138.0),
        ("138000 1/pb", "1/fb", 138.0),
        ("138000 /fb", "1/fb", 138000.0),
        ("2.7 pb", "fb", 2700.0),
        ("3.5 TeV", "GeV", 3500.0),
        ("-.5e1 GeV", "GeV", -5.0),
        ("1.5 GeV", "MeV", 1500.0),
        ("256", "MeV", 256.0),
    ],
)
def test_spellings(text, unit, value) -> None:
    assert quantity(text, unit, "x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "sentence"),
    [
        (138000, "1/fb", "datasets.d.luminosity is 138000 without a unit, which would be 1/fb: implausible; write"),
        ("138 fb", "1/fb", "unknown unit 'fb'; write for example '138 /fb'"),
        ("3 parsec", "GeV", "unknown unit 'parsec'; write for example '3.5 TeV'"),
        ("much", "fb", "'much' is not a number, or a number and a unit such as '2.7 pb'"),
        (float("nan"), "GeV", "nan is not a number"),
        (float("inf"), "GeV", "inf is not a number"),
    ],
)
def test_what_is_asked_back(text, unit, sentence) -> None:
    with pytest.raises(ConfigError, match=r"^datasets\.d\.luminosity") as caught:
        quantity(text, unit, "datasets.d.luminosity")
    assert sentence in str(caught.value)
