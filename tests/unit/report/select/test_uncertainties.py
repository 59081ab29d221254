"""The table of what each source does to the signals."""

import csv

from resonaut.core.files import write_json
from resonaut.report.select import uncertainties


def test_every_source_of_every_signal_has_a_row(summary, content_of, tmp_path) -> None:
    from resonaut.select.results import Signal

    weights = {
        "lund": {"scale_factor": 0.9, "uncertainties": {"b_quark": [0.02, -0.08]}},
        "jets": {"scale_factor": 1.0, "uncertainties": {"jes": [0.05, -0.04]}},
    }
    moved = {"jets_jes": {"position": [0.01, -0.01], "width": [0.001, 0.0]}}
    signals = [
        content_of(Signal, dataset="s3500", mass=3500.0, weights=weights, moved=moved),
        content_of(Signal, dataset="nothing", mass=None, weights={}, moved={}),
    ]
    write_json(tmp_path / "select/cwola/low.json", summary("cwola", "low", signals=signals))
    uncertainties.draw(tmp_path, [tmp_path / "select/cwola/low.json"])
    with (tmp_path / "selections/uncertainties.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0][:6] == ["method", "window", "signal", "mass", "group", "source"]
    assert rows[0][6:8] == ["rate_up_percent", "rate_down_percent"]
    assert rows[1:] == [
        ["cwola", "low", "s3500", "3500", "jets", "jes", "5", "-4", "1", "-1", "0.1", "0"],
        ["cwola", "low", "s3500", "3500", "lund", "b_quark", "2", "-8", "", "", "", ""],
    ]
