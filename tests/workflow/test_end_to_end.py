"""The tiny search from collisions to limits: complete, reproducible, and resumable after SIGKILL."""

import json
import math
import shutil

import pytest

SUMMARY_KEYS = {
    "selection",
    "mass",
    "unit",
    "p_local",
    "z_local",
    "signal_yield",
    "signal_yield_error",
    "limit_observed",
    "limit_expected",
    "efficiency",
    "z_expected",
    "fit_p_background",
    "fit_good",
}


@pytest.mark.xdist_group("finished")
def test_summary_has_every_selection_and_mass(finished) -> None:
    summary = json.loads((finished.path / "results/report/summary.json").read_text())["points"]
    assert {row["selection"] for row in summary} == {"inclusive", "tagger", "cwola"}
    masses = {row["mass"] for row in summary}
    assert len(summary) == 3 * len(masses)
    for row in summary:
        assert set(row) == SUMMARY_KEYS
        # Few events make few bins, and no p-value.
        row.pop("fit_p_background")
        limits = [row.pop("limit_observed"), row.pop("limit_expected")]
        assert all(math.isfinite(value) for key, value in row.items() if key not in ("selection", "unit"))
        assert 0 < row["p_local"] < 1
        assert 0 < row["efficiency"] <= 1
        # A tagger that saw fifty jets of a class may keep too few of the signal for limits in fb.
        if row["selection"] != "tagger" or limits != [None, None]:
            assert min(limits) > 0


@pytest.mark.xdist_group("finished")
def test_each_log_begins_with_its_command(finished) -> None:
    logs = [log for log in sorted((finished.path / "logs").rglob("*.log")) if "config" not in log.parts]
    assert logs
    for log in logs:
        assert log.read_text().startswith(f"resonaut --log {log.relative_to(finished.path)} "), log


@pytest.mark.xdist_group("finished")
def test_lund_weights_reach_the_limits(finished) -> None:
    selected = json.loads((finished.path / "results/select/cwola/w3500.json").read_text())
    (signal,) = (entry for entry in selected["signals"] if entry["dataset"] == "signal_3500")
    sources = {"statistical", "pt_extrapolation", "background", "shower_isr", "shower_fsr"}
    sources |= {"b_quark", "prongs", "unclustered", "distortion"}
    uncertainties = signal["weights"]["lund"]["uncertainties"]
    assert set(uncertainties) == sources
    scan = json.loads((finished.path / "results/fit/cwola/w3500.json").read_text())["scan"]
    nuisances = scan[0]["nuisances"]
    sizes = {f"lund_{name}": max(map(abs, pair)) for name, pair in uncertainties.items()}
    found = {name: nuisance for name, nuisance in nuisances.items() if name.startswith("lund_")}
    # Sources that change nothing are no nuisances.
    assert {name: nuisance["size"] for name, nuisance in found.items()} == {n: s for n, s in sizes.items() if s > 0}
    assert found["lund_statistical"]["limit_impact"] > 0


@pytest.mark.xdist_group("finished")
def test_a_given_correction_is_not_measured_again(finished) -> None:
    """Nor are the jets that it came from needed; without its metadata the run stops at once."""
    given, overlay = finished.path / "given.json", finished.path / "given.yaml"
    overlay.write_text(f"calibrate: {{correction: {given.name}}}\n")
    shutil.copy(finished.path / "results/calibrate/correction.json", given)
    run = finished.snakemake("--configfile", *finished.configuration, str(overlay), "--dry-run")
    assert run.returncode == 2
    assert "calibrate.correction: no file 'given.json', or no metadata beside it" in run.stderr
    shutil.copy(finished.path / "results/calibrate/correction.metadata.json", given.with_suffix(".metadata.json"))
    planned = finished.planned("--configfile", *finished.configuration, str(overlay))
    assert {"calibrate_normalise", "calibrate_apply", "fit_selection"} <= planned
    assert not planned & {"calibrate_measure", "report_lund_planes", "simulate_chunk"}


@pytest.mark.xdist_group("finished")
def test_report_holds_the_figures(finished) -> None:
    report = finished.path / "report.html"
    run = finished.snakemake("--report", str(report))
    assert run.returncode == 0, run.stdout + run.stderr
    text = report.read_text()
    for name in (
        "front_page.html",
        "p_values.png",
        "limits.png",
        "fits.png",
        "nuisances.png",
        "summary.csv",
        "cutflow.csv",
        "scale_factors.html",
        "methods.csv",
        "selections/cwola_w3500.png",
        "images/cwola_w3500.png",
    ):
        assert name in text


@pytest.mark.xdist_group("finished")
def test_killed_run_resumes_to_the_same_bytes(fresh, finished) -> None:
    """SIGKILL at several moments; a fit and all before it equal those of the undisturbed run, byte for byte."""
    fit = "results/fit/cwola/w3500.json"
    for seconds in (8, 20, 25):
        fresh.run_and_kill(seconds, "--", fit)
    assert fresh.run_and_kill(900, "--", fit), "the resumed run did not end"
    resumed, undisturbed = fresh.results(), finished.results()
    assert fit in resumed
    assert resumed == {path: content for path, content in undisturbed.items() if path in resumed}
