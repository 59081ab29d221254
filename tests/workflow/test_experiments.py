"""What the experiments with injected signal draw from, as planned from the configuration."""

import re

import pytest
import yaml

INJECTION = {"signals": ["signal_3500"], "amounts": [0, 5], "seeds": 2}


@pytest.fixture
def commands(fresh, tmp_path):
    """The commands that `snakemake TARGET` would run on the demo with an overlay, after a word."""

    def commands(target: str, word: str, **overlay) -> list[str]:
        path = tmp_path / "overlay.yaml"
        path.write_text(yaml.safe_dump(overlay))
        run = fresh.snakemake("--configfile", "config/config.yaml", str(path), "--dry-run", "-p", target)
        assert run.returncode == 0, run.stdout + run.stderr
        return re.findall(rf"resonaut --log .* {word} .*", run.stdout + run.stderr)

    return commands


def test_pseudo_data_beside_data_are_made_for_experiments_only(commands) -> None:
    assert not [line for line in commands("all", "skim chunk") if "pseudo" in line]
    select = {"methods": ["inclusive", "salad"], "injection": INJECTION}
    drawn = commands("fit_injected", "select inject", select=select)
    assert len(drawn) == 2 * 2 * 2
    for line in drawn:
        # As much of the 60/fb as there are data.
        assert "--data=results/skim/pseudo.json" in line
        assert "--luminosity=20 " in line
        assert "--simulation" not in line


def test_without_pseudo_data_simulation_is_drawn_by_methods_that_do_not_learn_from_it(commands) -> None:
    small = {
        "search": {
            "samples": {"pseudo_data": [], "signal": ["signal_3500"]},
            "stages": ["simulate", "skim", "reweight", "select", "fit"],
        },
        "fit": {"signals": ["signal_3500"]},
    }
    select = {"methods": ["cwola", "salad"], "injection": INJECTION}
    drawn = commands("fit_injected", "select inject", select=select, **small)
    assert len(drawn) == 2 * 2 * 2
    for line in drawn:
        assert "--data=results/skim/data.json" in line
        assert ("--simulation=results/skim/qcd.json" in line) == ("--method cwola" in line)
        assert ("--weights=qcd=reweight" in line) == ("--method cwola" in line)
        assert "--luminosity" not in line
    select["injection"] = INJECTION | {"base": "data"}
    assert "--simulation" not in "".join(commands("fit_injected", "select inject", select=select, **small))


def test_a_combined_signal_is_one_dataset_to_later_stages(fresh, tmp_path) -> None:
    """Its parts are skimmed, and the chunks that have their names are scored."""
    generator = {"components": [{"process": "x_to_yy", "mass": 3500, "events": 9}]}
    part = {"nature": "simulation", "mass": 3500, "cross_section": 1, "generator": generator}
    parts = {"x_2017": part | {"era": "2017"}, "x_2018": part | {"era": "2018"}}
    other = {"nature": "data", "era": "2018", "luminosity": 1, "generator": {"components": generator["components"]}}
    datasets = {"data": {"era": "2017"}, "other": other, "x": {"nature": "simulation", "combine": list(parts)}}
    samples = {"data": ["data", "other"], "pseudo_data": [], "signal": ["x"]}
    path = tmp_path / "overlay.yaml"
    overlay = {"search": {"samples": samples}, "datasets": datasets | parts, "fit": {"signals": ["x"]}}
    path.write_text(yaml.safe_dump(overlay))
    target = "results/tag/x/x_2018-000.parquet"
    run = fresh.snakemake("--configfile", "config/config.yaml", str(path), "--dry-run", target)
    assert run.returncode == 0, run.stderr
    assert "skim: combine x" in run.stdout + run.stderr


def test_pseudo_data_of_reweighted_simulation_are_drawn_for_the_experiments(fresh) -> None:
    files = ("config/config.yaml", "config/variants/reweighted.yaml")
    run = fresh.snakemake("--configfile", *files, "--dry-run", "-p", "report", "fit_injected")
    assert run.returncode == 0, run.stdout + run.stderr
    (drawn,) = re.findall(r"resonaut --log .* skim draw .*", run.stdout)
    assert "--luminosity=8.0 --seed=1 --weights=qcd=reweight" in drawn
    experiments = re.findall(r"resonaut --log .* select inject .*", run.stdout)
    assert len(experiments) == 2 * 2 * 2
    assert all("--data=results/reweighted/skim/signal_free.json" in line for line in experiments)
    assert len(re.findall(r"resonaut --log .* fit prediction .*--weights=qcd=reweight", run.stdout)) == 2
