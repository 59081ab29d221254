"""How figures and texts call observables."""

from resonaut.core.observables import axis
from resonaut.report.style import mathematical

# How figures call known columns, others by their names; and how a text does.
LABELS = {
    "m_jj": "$m_{jj}$",
    "delta_eta_jj": r"$\Delta\eta_{jj}$",
    **{f"j{n}_{name}": f"{label} of jet {n}" for n in (1, 2) for name, label in (
        ("softdrop_mass", r"$m_{\mathrm{SD}}$"), ("mass", "$m$"), ("pt", r"$p_{\mathrm{T}}$"),
    )},
}  # fmt: skip
WORDS = {"m_jj": "dijet mass"} | {f"j{n}_softdrop_mass": f"soft-drop mass of jet {n}" for n in (1, 2)}


def axis_label(name: str, unit: str) -> str:
    """What stands on the axis of an observable: its label, or one made of its name, and the unit."""
    return axis(mathematical(LABELS.get(name, name)), unit)


def words(name: str) -> str:
    """An observable in a sentence: ``dijet mass``."""
    return WORDS.get(name, name)
