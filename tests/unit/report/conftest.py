"""Results of the real stage ``fit`` on a small spectrum with an excess at 3500 GeV."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure


def _kept():
    """Figures by name, kept as objects when they are saved."""
    figures, save = {}, Figure.savefig

    def savefig(figure, path, **keywords):
        figures[Path(path).name.split(".")[1]] = figure
        save(figure, path, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", savefig)
        yield figures


kept = pytest.fixture(_kept)
kept_by_module = pytest.fixture(_kept, scope="module")


@pytest.fixture(scope="session")
def resonaut():
    """The command line, in a process of its own, whose logging leaves the tests alone."""

    def run(*arguments):
        command = [sys.executable, "-m", "resonaut", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def bare(tmp_path_factory, resonaut):
    """Folder with ``scan.json`` and ``bias.json`` of the commands for bare spectra."""
    folder = tmp_path_factory.mktemp("bare")
    edges = np.arange(2500, 7001, 100)
    expected = 20000 * np.exp(-(edges[:-1] - 2500) / 500) + 120 * np.exp(-(((edges[:-1] - 3450) / 120) ** 2) / 2)
    counts = np.random.default_rng(3).poisson(expected)
    rows = [f"{low},{high},{n}" for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    (folder / "spectrum.csv").write_text("\n".join(["m_low,m_high,counts", *rows]) + "\n")
    given = ["--spectrum", folder / "spectrum.csv", "--sqrt-s", 13000, "--luminosity", 20, "--output", folder]
    checks = ["--set", "limit_checks={masses: [3500], toys: 500}", "--set", "toys=50"]
    signals = ["--set", "bias.toys=20", "--set", "bias.injected=[0, 2]"]
    for command in (["scan", "--masses", "3000:4000:500", *checks], ["bias", "--masses", "3500:3500:1", *signals]):
        done = resonaut("fit", *command, *given)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def windows(bare, tmp_path, resonaut):
    """Results of two windows of two selections, the masses of the bare scan shared out, and their summary."""
    content = json.loads((bare / "scan.json").read_text())
    for key in ("spectrum_file", "observable", "resolution", "spectrum"):
        del content[key]
    files, names = [], {"observable": "m_jj", "label": "m_jj", "unit": "GeV"}
    for method in ("cwola", "tagger"):
        for window, region, scan in (
            ("low", [2900, 3700], content["scan"][:2]),
            ("high", [3700, 4100], content["scan"][2:]),
        ):
            path = tmp_path / "fit" / method / f"{window}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(
                    content | names | {"method": method, "window": window, "signal_region": region, "scan": scan}
                )
            )
            files.append(path)
    done = resonaut("fit", "summary", "--output", tmp_path / "fit" / "summary.json", *files)
    assert done.returncode == 0, done.stderr
    return files
