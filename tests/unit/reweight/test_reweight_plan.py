"""What a configuration with ratios must say, and which jobs and files follow from it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.reweight import plan
from resonaut.select import jobs

ROOT = Path(__file__).parents[3]
RATIO = {
    "numerator": {"datasets": ["qcd"], "weight": "shower_weight", "place": 1},
    "denominator": {"datasets": ["qcd"]},
    "features": ["m_j1", "m_jj"],
}


def weight(column: str | None, place: int | None = None) -> dict[str, Any]:
    """A numerator with such weights."""
    return {"numerator": {"datasets": ["qcd"], "weight": column, "place": place}}


def analysis(*overlays: dict[str, Any]) -> Analysis:
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    config["skim"] = {"regions": {"dijet": {"variations": True}}}
    for overlay in overlays:
        update_config(config, overlay)
    return Analysis.of(config, [])


def with_ratio(**changes: Any) -> dict[str, Any]:
    return {"reweight": {"ratios": {"fsr": RATIO | changes}}}


def test_each_ratio_is_a_job_with_keys_of_its_own():
    plain, given = analysis(), analysis(with_ratio())
    assert given.keys("reweight") == plain.keys("reweight")
    assert given.keys("reweight/fsr")["features"] == ["m_j1", "m_jj"]
    assert "ratios" not in given.keys("reweight")
    new = set(plan.made(given)) - set(plan.made(plain))
    assert {path.rsplit("/", 1)[0] for path in new} == {"<results>/reweight/fsr", "<results>/reweight/fsr/qcd"}
    assert plan.weighted(given) == {"reweight": ["qcd"]}
    assert given.weights("qcd") == ["reweight"]


def test_ratios_alone_need_neither_data_nor_sidebands():
    overlay = {
        "search": {
            "stages": ["simulate", "skim", "reweight"],
            "samples": {"data": [], "pseudo_data": [], "background": [], "signal": []},
        },
        "reweight": with_ratio()["reweight"] | {"samples": {"compared": ["qcd"]}},
    }
    given = analysis(overlay)
    assert given.datasets() == ["qcd"]
    assert plan.GIVES["closure"](given) == []
    assert plan.weighted(given) == {"reweight": []}
    assert all("/fsr/" in path for path in plan.made(given))
    off = analysis(with_ratio(), {"reweight": {"sidebands": []}})
    assert not plan.to_data(off)
    assert not off.weights("qcd")


def test_later_stages_use_the_weights_of_a_ratio_with_a_role():
    given = analysis(with_ratio(role="up", source="shower"))
    assert given.weights("qcd") == ["reweight", "reweight/fsr"]
    assert "--weights=qcd=reweight/fsr" in jobs.weighting(given, "qcd")
    alone = analysis(with_ratio(role="nominal"), {"reweight": {"sidebands": []}})
    assert alone.weights("qcd") == ["reweight/fsr"]


NETWORKS = {"reweight": {"classifier": {"backend": "network"}}}
PUBLISHED = {"files": ["known.onnx"], "inputs": {"x": [[{"column": "m_jj"}, {"value": 0.1, "alternatives": [0.6]}]]}}
NETWORK = {"features": [], "published": PUBLISHED}
HISTOGRAM = {"variable": "m_jj", "edges": [0, 1, 2], "values": [1, 2], "errors": [1, 1]}


def test_a_published_network_may_have_histograms_as_its_target():
    ratio = with_ratio(**NETWORK | {"published": PUBLISHED | {"histograms": [HISTOGRAM]}})
    ratio["reweight"]["ratios"]["fsr"]["numerator"] = None
    found = plan.ratios(analysis(ratio))["fsr"]
    assert found == {"numerator": [], "denominator": ["qcd"], "published": ["known.onnx"]}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"histograms": [HISTOGRAM | {"errors": [1, 1, 1]}]}, "'m_jj' has 3 edges, 2 values and 3 errors; give rising"),
        (
            {"inputs": {"x": [[{"column": "m_jj"}], []]}},
            "published.inputs.x: the lists have different numbers of inputs",
        ),
        ({"inputs": {"x": [[{"log": "decimal"}]]}}, "give of each input either its column or its value"),
        ({"inputs": {"x": [[{"column": "m_jj", "alternatives": [1]}]]}}, "alternatives are those of a value"),
        (
            {"inputs": {"x": [[{"value": 1, "alternatives": [1]}, {"value": 1, "alternatives": [1, 2]}]]}},
            "there are different numbers of alternatives; give each value as many",
        ),
        ({"inputs": {"x": [[{"column": "t_pt"}]]}}, "'t_pt' needs the column 't_pt', which 'qcd' has not"),
        ({"within": {"tt_pt": [None, 1000]}}, "'tt_pt' needs the column 'tt_pt', which 'qcd' has not"),
    ],
)
def test_contradictions_of_a_published_network_are_one_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=r"^config: ") as caught:
        analysis(with_ratio(**NETWORK | {"published": PUBLISHED | changes}))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"role": "nominal"}, "fsr.role is nominal, and 'qcd' is reweighted to data, too; empty reweight.sidebands"),
        (
            {"role": "up", "source": "fsr", "denominator": {"datasets": ["w_qcd"]}},
            "fsr.role is up, and 'w_qcd' is no background or signal of the search, nor are pseudo-data drawn",
        ),
        ({"role": "up"}, "fsr: with the role up, name the source"),
        ({"source": "shower"}, "fsr: with the role none, take source out"),
        ({"numerator": None}, "fsr: there is no target; give a numerator."),
        (NETWORK | {"numerator": None}, "fsr: there is no target; give a numerator, or published.histograms."),
        (
            {"features": []},
            "reweight.ratios.fsr: give `particles` or `lists` with the backend sets, or `features` with another",
        ),
        (
            {"particles": [["m_j1"], ["m_j2"]]},
            "give `particles` or `lists` with the backend sets, or `features` with another",
        ),
        ({"classifier": {"backend": "sets"}}, "give `particles` or `lists` with the backend sets"),
        (
            {"features": [], "particles": [["m_j1"], ["m_j2", "m_jj"]], "classifier": {"backend": "sets"}},
            "fsr.particles: they have different numbers of features",
        ),
        *(
            ({"features": [], "classifier": {"backend": "sets"}} | ratio, f"fsr{sentence}")
            for ratio, sentence in (
                (
                    {"particles": [["m_j1"]], "lists": [["j1_pf_pt", "j1_pf_eta"]]},
                    ".particles and lists: they have different numbers of features",
                ),
                ({"lists": [["j1_pf_pt"], ["j2_pf_pt", "j2_pf_eta"]]}, ".lists: they have different numbers of"),
                ({"lists": [["j1_pf_pt"], ["j1_pf_pt"]]}, ".lists names a column twice; name each once"),
                ({"lists": [[]]}, ": an entry of particles or lists names no column; give it some"),
                ({"lists": [["j1_pt"]]}, ": lists has 'j1_pt', which is one number an event of 'qcd'; name it in"),
            )
        ),
        (weight("show_weight"), "fsr.numerator.weight is 'show_weight', which is no column of 'qcd'; keep it in its"),
        (weight("m_jz"), "fsr.numerator.weight is 'm_jz', which is no column of 'qcd'; keep it in its region, `shower"),
        (weight("shower_weight"), "weight is 'shower_weight', a list in 'qcd'; give the place of the weight in it"),
        (weight("m_jj", 0), "fsr.numerator.place: 'm_jj' of 'qcd' is one number an event; take place out"),
        (weight(None, 0), "fsr.numerator has the place of no weight; name the column in weight, or take place out"),
        ({"clip": [10, 0.1]}, "fsr.clip is [10.0, 0.1]; give the smaller one first"),
        ({"denominator": {"datasets": ["nobody"]}}, "fsr.denominator names 'nobody', which is in no sample"),
        ({"denominator": {"datasets": ["data"]}}, "fsr.denominator names 'data', which is no simulation"),
        ({"numerator": {"datasets": ["qcd"]}}, "fsr: numerator and denominator are the same"),
        ({"watched": ["m_zz"]}, "fsr: 'm_zz' needs the column 'm_zz', which 'qcd' has not; keep it in its region"),
    ],
)
def test_contradictions_are_one_sentence(changes, sentence):
    ratio = with_ratio(**changes)
    if "numerator" in changes:
        ratio["reweight"]["ratios"]["fsr"]["numerator"] = changes["numerator"]
    with pytest.raises(ConfigError, match=r"^config: ") as caught:
        analysis(ratio)
    assert sentence in str(caught.value)


def test_weights_of_an_era_may_be_those_of_a_ratio():
    corrections = {"prefiring": True, "pdf": {}, "uncorrelated": ["prefiring"]}
    era = {
        "skim": {"eras": {"e": {"corrections": {"simulation": corrections}}}},
        "datasets": {"qcd": {"era": "e"}, "data": {"era": "e"}},
    }
    plain = analysis(era, with_ratio())
    assert (
        plain.weight_columns("qcd").items()
        >= {
            "weight_prefiring_e": False,
            "weight_prefiring_e_up": False,
            "weight_alpha_s_up": False,
            "weight_pdf_toys": True,
            "shower_weight": True,
            "m_jj": False,
        }.items()
    )
    analysis(era, with_ratio(**weight("weight_alpha_s_down")))
    analysis(era, with_ratio(**weight("weight_pdf_toys", 3)))
    with pytest.raises(ConfigError, match=r"numerator\.weight is 'weight_prefiring', which is no column of 'qcd'"):
        analysis(era, with_ratio(**weight("weight_prefiring")))
    with pytest.raises(ConfigError, match=r"numerator\.weight is 'shower_weight', which is no column"):
        analysis(with_ratio(), {"skim": {"regions": {"dijet": {"variations": False}}}})


def test_one_way_of_an_uncertainty_is_one_ratio():
    ratio, other = RATIO | {"role": "up", "source": "fsr"}, RATIO | {"role": "down", "source": "fsr"}
    analysis({"reweight": {"ratios": {"a": ratio, "b": other}}})
    with pytest.raises(ConfigError, match="ratios: a and b are both up of 'fsr' for 'qcd'"):
        analysis({"reweight": {"ratios": {"a": ratio, "b": ratio | {"clip": [0.1, 10]}}}})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"condition": True},
            "reweight.condition: the ratio is interpolated between the sidebands, which trees do not;",
        ),
        ({"bootstraps": 2}, "reweight.bootstraps are of weights with condition; set it to true, or bootstraps to 0"),
        ({"validation": [[3500, 3400]]}, "reweight.validation: 3500 to 3400 GeV: give the smaller value first"),
        ({"validation": [[3000, 3300]]}, "3000 to 3300 GeV overlaps reweight.sidebands, whose events train"),
        ({"validation": [[3300, 3400]]}, "'data' are data, of which nothing is looked at there; take other ranges, or"),
    ],
)
def test_contradictions_of_the_reweighting_to_data_are_one_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=r"^config: reweight\.") as caught:
        analysis({"reweight": changes})
    assert sentence in str(caught.value)


def test_pseudo_data_may_be_looked_at_in_a_signal_region():
    overlay = {"search": {"samples": {"data": ["pseudo"], "pseudo_data": []}}}
    given = analysis(overlay, {"reweight": {"validation": [[3300, 3400]], "condition": True}}, NETWORKS)
    assert given.keys("reweight")["validation"] == [[3300, 3400]]
