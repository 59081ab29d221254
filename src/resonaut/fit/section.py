"""The section ``fit`` of the configuration: searches in spectra, and models of templates."""

from typing import Annotated, Any

from resonaut.core.record import Name, Part, key, record
from resonaut.fit.settings import FitSettings
from resonaut.fit.templates.settings import Model


@record
class Section(FitSettings):
    """Fits of the selected spectra, with significance, signal yield and CLs limits at each mass."""

    observables: dict[Name, Annotated[dict[str, Any], Part(FitSettings)]] = key(
        "By the name of another observable than `m_jj`, the keys of this section that differ for its windows; `range`, "
        "`bin_width` and `masses` it must give, `signals` and the masses of checks are its own: `{j1_softdrop_mass: "
        "{range: [50, 250], bin_width: 2, masses: [80, 90], signal_width: 0.1}}`. A mass is a value of the window's "
        "observable, that of a signal's dataset too.",
        default={},
    )
    models: dict[Name, Model] = key(
        "Models of templates by name, fitted beside the selected spectra or without any (`snakemake fit_models`).",
        default={},
    )
