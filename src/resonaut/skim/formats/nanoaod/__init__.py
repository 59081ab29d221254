"""CMS NanoAOD and PFNano."""

from resonaut.core.formats import Format

FORMAT = Format("reader.opened", sections=True, flags=True, truth=("gen", "Gen", "LHE", "PSWeight", "Pileup"))
