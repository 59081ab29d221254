from pathlib import Path

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.skim.corrections.prescales import Prescales

TABLE = """trigger,run,section,prescale
HLT_Low,1,1,100
HLT_Low,1,50,20
HLT_Low,3,1,5
HLT_High,1,1,1
"""


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "prescales.csv"
    path.write_text(TABLE)
    return path


def test_a_prescale_holds_from_its_section_on(table) -> None:
    found = Prescales.read(table).of("HLT_Low", np.array([1, 1, 1, 3]), np.array([1, 49, 50, 700]))
    assert found.tolist() == [100, 100, 20, 5]
    for run, section in ((2, 1), (4, 1), (0, 1)):
        with pytest.raises(InputFileError, match=f"no prescale of 'HLT_Low' in run {run}, section 1"):
            Prescales.read(table).of("HLT_Low", np.array([run]), np.array([section]))
    with pytest.raises(InputFileError, match="no prescale of 'HLT_No', only of HLT_Low, HLT_High"):
        Prescales.read(table).of("HLT_No", np.array([1]), np.array([1]))


def test_the_first_trigger_that_fired_gives_the_weight(table) -> None:
    """Both fired, the high one alone, the low one alone, none."""
    fired = {"HLT_High": np.array([True, True, False, False]), "HLT_Low": np.array([True, False, True, False])}
    weights = Prescales.read(table).weights(fired, np.ones(4, int), np.ones(4, int))
    assert weights.tolist() == [1, 1, 100, 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("run,prescale\n1,2\n", "its first line is"),
        ("trigger,run,section,prescale\nA,x,1,2\n", "line 2 cannot be read"),
        ("trigger,run,section,prescale\nA,1,1\n", "line 2 cannot be read"),
        ("trigger,run,section,prescale\nA,1,1,0\n", "line 2: the prescale 0 is no number from 1 on"),
        ("trigger,run,section,prescale\nA,1,1,inf\n", "line 2: the prescale inf is no number"),
        ("trigger,run,section,prescale\nA,1,1,2,3\n", "line 2 cannot be read"),
        ("trigger,run,section,prescale\nA,1,1,2\nA,1,1,3\n", "has two prescales of 'A' in one section"),
        ("", "its first line is None"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, problem) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(InputFileError, match=problem):
        Prescales.read(path)
    with pytest.raises(InputFileError, match="cannot be read"):
        Prescales.read(tmp_path / "none.csv")
