"""The first page of the report: its tables hold the result, and a browser shows its figures."""

import csv
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import docutils.core
import docutils.writers
import jinja2
import matplotlib as mpl
import numpy as np
import pytest

from resonaut.core import results
from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.manifest import Cut
from resonaut.report import pages, settings
from resonaut.report.all import front_page
from resonaut.report.skim import cutflow

ROOT = Path(__file__).parents[4]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Tables(HTMLParser):
    """The rows of all tables of a page, headings too, as texts."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


@pytest.fixture
def page(windows, tmp_path, manifest_of):
    """Write the page of two selections, of which ``cwola`` sculpts in one window and is in doubt at 4000 GeV."""
    for path in windows:
        content = json.loads(path.read_text())
        for point in content["scan"]:
            point["fit"]["good"] = path.parent.name != "cwola" or point["mass"] < 4000
        path.write_text(json.dumps(content))
    with (tmp_path / "methods.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "window", "bound", "verdict"])
        writer.writerow(["cwola", "low", "False", "sculpts the spectrum"])
        writer.writerow(["cwola", "high", "False", "ok"])
        writer.writerow(["tagger", "low", "True", "ok"])
    known = {"nature": "data", "luminosity": 20.0, "cross_section": None}
    flow = [Cut(cut="all", events=12345, sum_weights=1.0)]
    data = tmp_path / "data.json"
    results.write(data, manifest_of("<b>data", events=10, cutflow=flow, **known))
    cutflow.draw(tmp_path, [data], None)
    write_json(tmp_path / "report.json", {"label": "Simulation", "sqrt_s": 13000.0})

    def write(**changed):
        given = {"results": windows, "summary": tmp_path / "fit/summary.json", "methods": tmp_path / "methods.csv"}
        given |= {"data": [data], "datasets": [data]}
        given |= {"figures": [tmp_path / "cutflow.png"]}
        front_page.draw(**given | changed, config=tmp_path / "report.json", output=tmp_path)
        return tmp_path / "front_page.html"

    return write


def test_page_states_the_result(page, windows) -> None:
    text = page().read_text()
    heading, cwola, tagger, _, data = Tables(text).rows
    assert heading[:4] == ["selection", "mass [GeV]", "local p-value", "local"]
    best = max((p for path in windows[:2] for p in json.loads(path.read_text())["scan"]), key=lambda p: p["z_local"])
    assert cwola[0:2] == ["cwola", f"{best['mass']:g}"]
    assert float(cwola[2]) == pytest.approx(best["p_local"], rel=0.05)
    assert cwola[3] == f"{best['z_local']:.1f}σ"
    limits = [float(cell.removesuffix(" fb")) for cell in cwola[5:7]]
    assert limits == pytest.approx([best["limit"]["observed"], best["limit"]["expected"]], rel=0.01)
    assert cwola[7] == "low: sculpts the spectrum; 1 of 3 masses in doubt"
    assert (tagger[0], tagger[7]) == ("tagger (reference)", "ok")
    assert data == ["<b>data", "data", "–", "20", "–", "12,345", "10", "0"]
    assert "Simulation, 13 TeV, 20 fb<sup>−1</sup>" in text
    assert "The dijet mass spectrum of 10 events, with 2 selections (cwola, tagger)" in text
    assert "low (2900–3700 GeV), high (3700–4100 GeV)" in text
    assert re.search(r"Largest excess: \d\.\d sigma local at 3500 GeV, ", text)


def test_page_is_the_first_one_of_the_report(page) -> None:
    """As Snakemake renders the description: Jinja, then reStructuredText."""
    html = docutils.writers.get_writer_class("html")
    template = jinja2.Template((ROOT / "workflow/report/workflow.rst").read_text())
    for files in ([SimpleNamespace(path=page())], []):
        rendered = docutils.core.publish_parts(template.render(files=files), writer=html())["html_body"]
        assert ('<div class="resonaut">' in rendered) == bool(files)
        assert "System Message" not in rendered
        assert "Each figure's caption" in rendered.replace("’", "'")


def test_wrong_files_end_in_a_sentence(page, tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"data\.json: no table of methods .* run 'resonaut report methods' again"):
        page(methods=tmp_path / "data.json")
    with pytest.raises(InputFileError, match=r"none\.png: No such file or directory; make it again"):
        page(figures=[tmp_path / "none.png"])
    assert not (tmp_path / "front_page.html").exists()


def test_texts_are_no_html(tmp_path) -> None:
    pages.write(tmp_path / "x.html", "<i>", "<i>", [pages.table("<i>", ["<i>"], [[pages.Cell("<i>", "x: y")]])])
    text = (tmp_path / "x.html").read_text()
    assert "<i>" not in text
    assert text.count("&lt;i&gt;") == 6


def test_headings(tmp_path, write_skimmed) -> None:
    write_json(tmp_path / "report.json", {"label": "Pseudo-data", "sqrt_s": 13600.0})
    config, eras = tmp_path / "report.json", {"a": 20.0, "b": 1.5, "none": None}
    a, b, none = (
        write_skimmed(tmp_path, name, nature="data", era=name, luminosity=luminosity)
        for name, luminosity in eras.items()
    )
    assert settings.of_data(config, [a, b]) == "Pseudo-data, 13.6 TeV, 21.5 fb$^{-1}$"
    assert settings.of_data(config, [a, none]) == settings.of_data(config) == "Pseudo-data, 13.6 TeV"
    assert settings.of_data(None, [a]) == "20 fb$^{-1}$"
    assert settings.of_simulation(config) == "Simulation, 13.6 TeV"
    assert settings.of_simulation(None) == "Simulation"


@pytest.mark.skipif(BROWSER is None, reason="no browser")
def test_browser_shows_table_and_figure(page, tmp_path) -> None:
    shot = tmp_path / "page.png"
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,900", f"--user-data-dir={tmp_path}/u")
    command = [BROWSER, *options, f"--screenshot={shot}", page().as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    pixels = mpl.image.imread(shot)[..., :3]
    bars = np.all(np.abs(pixels - mpl.colors.to_rgb("#5790fc")) < 0.02, axis=-1)
    # The figure's bar is there, as wide as in the figure; the verdict above it is red.
    assert bars.sum(axis=1).max() > 300
    red = np.all(np.abs(pixels - mpl.colors.to_rgb("#e42536")) < 0.02, axis=-1)
    assert 0 < np.nonzero(red)[0].max() < np.nonzero(bars)[0].min()
