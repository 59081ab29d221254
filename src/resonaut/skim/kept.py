"""What ``skim`` keeps of a dataset, as the configuration says it before the first job. Imports nothing heavy."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resonaut.core import formats, samples

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis
    from resonaut.skim.formats.nanoaod.corrected import Corrections
    from resonaut.skim.settings import Region


def columns(analysis: "Analysis", dataset: str) -> dict[str, tuple[float | None, float | None]] | None:
    """The columns of one number an event that a dataset's region keeps: the least and largest value that it leaves.

    None where only the files tell: of a format of the user's own, or skimmed by another analysis.
    """
    from resonaut.skim.region import Objects

    config = analysis.config
    entry, section = config["datasets"][dataset], config["skim"]
    parts = [dataset, *entry["combine"], *samples.drawn_from(config, dataset)]
    if any(config["datasets"][name]["skimmed"] is not None for name in parts) or format_code(analysis, dataset):
        return None
    region = section["regions"][entry["region"]]
    shapes = ["tau1", "tau2", "tau3", "tau4"] * section["branches"]["n_subjettiness"]
    shapes += ["b_tag"] * bool(section["branches"]["b_tag"])
    shapes += ["n_constituents"] * (not formats.without_candidates(config, [dataset]))
    jets, names = range(1, region["jets"] + 1), ["pt", "eta", "phi", "mass", "softdrop_mass", *shapes]
    found: dict[str, tuple[float | None, float | None]] = {
        f"j{jet}_{name}": (None, None) for jet in jets for name in names
    }
    found |= {f"j{jet}_pt": (region["pt_min"], None) for jet in jets}
    found |= {f"j{jet}_softdrop_mass": tuple(region["softdrop_mass"] or (None, None)) for jet in jets}
    if region["jets"] == 2:
        found |= {"m_jj": (region["m_jj_min"], None), "delta_eta_jj": (None, region["delta_eta_max"])}
    objects = Objects(region_of(analysis, dataset), tuple(config["code"]))
    found |= {name: objects.region.cuts.get(name, (None, None)) for name in objects.columns()}
    return found | dict.fromkeys(region["columns"], (None, None))


def particle_columns(analysis: "Analysis", dataset: str) -> list[str] | None:
    """The columns of particle level that a dataset's region keeps; None where only the files tell."""
    from resonaut.skim.columns import FIDUCIAL, generated
    from resonaut.skim.region import Objects

    if columns(analysis, dataset) is None:
        return None
    level = Objects(region_of(analysis, dataset), tuple(analysis.config["code"])).particle_level()
    return [] if level is None else [*map(generated, level.names()), FIDUCIAL]


def weight_columns(analysis: "Analysis", dataset: str) -> dict[str, bool] | None:
    """The columns of simulation that may be weights, and whether each is a list; None where only the files tell."""
    from resonaut.skim.columns import VARIATIONS

    known = columns(analysis, dataset)
    if known is None:
        return None
    found = dict.fromkeys(["gen_weight", *known, *(particle_columns(analysis, dataset) or ())], False)
    found |= dict.fromkeys(VARIATIONS, True) if region_of(analysis, dataset).variations else {}
    for made in _corrections(analysis, dataset):
        from resonaut.skim.formats.nanoaod import weighted

        found |= {name: column.listed for name, column in weighted.columns(made).items() if not column.nullable}
    return found


def variations(analysis: "Analysis", dataset: str) -> list[str] | None:
    """The variations ``<source>_<up|down>`` of weights and objects of simulation; None where only the files tell."""
    found = sources(analysis, dataset)
    if found is None:
        return None
    return [f"{source}_{way}" for source, ways in found.items() for way in ways if way in ("up", "down")]


def sources(analysis: "Analysis", dataset: str) -> dict[str, list[str]] | None:
    """The ways (up, down, toys) of each source of uncertainty of simulation; None where only the files tell."""
    if columns(analysis, dataset) is None:
        return None
    found: dict[str, list[str]] = {}
    for made in _corrections(analysis, dataset):
        from resonaut.skim.formats.nanoaod import weighted

        for source, ways in weighted.ways(made).items():
            found[made.stored(source)] = [way for way in ways if way]
        for variation in made.groups():
            source, _, way = variation.rpartition("_")
            found.setdefault(source, []).append(way)
    return {source: list(dict.fromkeys(ways)) for source, ways in found.items() if ways}


def _corrections(analysis: "Analysis", dataset: str) -> Iterator["Corrections"]:
    """The corrections of a simulated dataset, or of those that it is combined of, as far as their eras have any."""
    config = analysis.config
    for name in config["datasets"][dataset]["combine"] or [dataset]:
        era = config["datasets"][name]["era"]
        if era in config["skim"]["eras"]:
            from resonaut.core.record import build
            from resonaut.skim.corrections.settings import SimulatedCorrections
            from resonaut.skim.formats.nanoaod.corrected import Corrections

            where = f"config: skim.eras.{era}.corrections.simulation"
            block = config["skim"]["eras"][era]["corrections"]["simulation"]
            yield Corrections(era, build(block, SimulatedCorrections, where), blind=False)


def region_of(analysis: "Analysis", dataset: str) -> "Region":
    """The region of a dataset."""
    from resonaut.core.record import build
    from resonaut.skim.settings import Region

    name = analysis.config["datasets"][dataset]["region"]
    return build(analysis.config["skim"]["regions"][name], Region, f"config: skim.regions.{name}")


def format_code(analysis: "Analysis", dataset: str) -> list[str]:
    """The user's own file with the format of a dataset, if it is in one."""
    return formats.formats().files([analysis.catalogue[dataset].format], analysis.config["code"])
