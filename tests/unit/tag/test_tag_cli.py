import pytest
from typer.testing import CliRunner

from resonaut.core.errors import ConfigError
from resonaut.tag.cli import app

runner = CliRunner()


def test_train_and_score_by_command(simulation, section_file, tmp_path):
    tag = tmp_path / "tag"
    models = []
    for name in ("part", "particlenet"):
        models += ["--model", str(tag / f"{name}.npz")]
        arguments = ["train", "--config", section_file, "--network", name]
        arguments += ["--output", tag / f"{name}.npz", "--summary", tag / f"{name}.json"]
        arguments += ["--background", simulation[0], "--signal", simulation[1]]
        assert runner.invoke(app, list(map(str, arguments)), catch_exceptions=False).exit_code == 0
    output = tag / "qcd" / "000.parquet"
    arguments = ["score", "--config", section_file, *models, "--dataset", simulation[0]]
    arguments += ["--chunk", "000", "--output", output]
    assert runner.invoke(app, list(map(str, arguments)), catch_exceptions=False).exit_code == 0
    assert output.exists()


def test_an_unknown_network_is_named(simulation, section_file, tmp_path):
    arguments = ["train", "--config", section_file, "--network", "deepak8"]
    arguments += ["--output", tmp_path / "m.npz", "--summary", tmp_path / "m.json", "--background", simulation[0]]
    with pytest.raises(ConfigError, match=r"no network 'deepak8' in tag\.networks; it has part, particlenet"):
        runner.invoke(app, list(map(str, arguments)), catch_exceptions=False)
