"""CMS NanoAOD and PFNano."""

from resonaut.core.formats import Format

FORMATS = {
    "nanoaod": Format(
        "reader.opened",
        sections=True,
        flags=True,
        objects=True,
        truth=("gen", "Gen", "LHE", "PSWeight", "Pileup"),
    )
}
