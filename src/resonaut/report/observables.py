"""How figures and texts call observables."""

from resonaut.core.observables import axis
from resonaut.core.style import mathematical

# Columns of jets, of which the events say no label.
LABELS = {
    f"j{n}_{name}": f"{label} of jet {n}"
    for n in (1, 2)
    for name, label in (("softdrop_mass", r"$m_{\mathrm{SD}}$"), ("mass", "$m$"), ("pt", r"$p_T$"))
}
WORDS = {"m_jj": "dijet mass"} | {f"j{n}_softdrop_mass": f"soft-drop mass of jet {n}" for n in (1, 2)}


def axis_label(label: str, unit: str) -> str:
    """What stands on the axis of an observable: its label, which may be its name, and its unit."""
    return axis(mathematical(LABELS.get(label, label)), unit)


def named(text: str) -> tuple[str, str]:
    """The name and the unit of a column, of the ``text`` on the axis of its stored histogram: ``j1_pt [GeV]``."""
    name, _, unit = text.partition(" [")
    return name, unit.removesuffix("]") or "1"


def words(name: str) -> str:
    """An observable in a sentence: ``dijet mass``."""
    return WORDS.get(name, name)
