"""What must fit together in the datasets and the section ``skim``, seen before the first job."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.core.units import listed

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ("simulate",)


def section() -> type:
    """The record of the section ``skim``."""
    from resonaut.skim.settings import Skim

    return Skim


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "manifests": lambda analysis: analysis.manifests(*analysis.wanted()),
    "data": lambda analysis: analysis.manifests(*analysis.datasets("data")),
}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where a dataset asks for what its files cannot have, or names a missing list."""
    from resonaut.core.datasets import require_certifiable

    config = analysis.config
    for name in config["search"]["datasets"]:
        entry = config["datasets"][name]
        _require_region(config, entry["region"])
        _require_labels(name, entry)
        if entry["certified"] is not None:
            require_certifiable(name, entry["role"], entry["format"])
        for key in ("certified", "expected"):
            if entry[key] is not None and not Path(entry[key]).is_file():
                raise ConfigError(
                    f"config: datasets.{name}.{key}: no file {entry[key]!r}; correct the path (relative to "
                    f"{Path.cwd()})."
                )


def _require_region(config: dict[str, Any], name: str) -> None:
    """Cuts that no event passes, or that one jet cannot have; a dataset's ``region`` is there."""
    region, where = config["skim"]["regions"][name], f"config: skim.regions.{name}"
    mass = region["softdrop_mass"]
    if mass is not None and mass[0] >= mass[1]:
        raise ConfigError(f"{where}.softdrop_mass is {listed(mass)}; give the lower value first.")
    if region["jets"] == 1 and (region["delta_eta_max"] is not None or region["m_jj_min"] is not None):
        raise ConfigError(
            f"{where} keeps one jet, which has no delta_eta and no m_jj; set delta_eta_max and m_jj_min to null."
        )
    highest = config["select"]["spectrum"]["high"]
    if "select" in config["search"]["stages"] and (region["m_jj_min"] or 0) >= highest:
        raise ConfigError(
            f"{where}.m_jj_min is {region['m_jj_min']:g} GeV, above the whole range of select.spectrum, which ends at "
            f"{highest:g} GeV; lower it."
        )


def _require_labels(name: str, entry: dict[str, Any]) -> None:
    """Parts of labelled files upside down, or in files without labels."""
    from resonaut.core.datasets import require_part

    labelled, where = entry["labelled"], f"config: datasets.{name}.labelled"
    if labelled is None:
        return
    if entry["format"] == "nanoaod":
        raise ConfigError(f"{where} chooses events by the label that LHC Olympics files have; set it to null.")
    for kind in ("background", "signal"):
        require_part(f"{where}.{kind}", *labelled[kind])
