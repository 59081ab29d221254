"""CMS NanoAOD and PFNano."""

from resonaut.core.formats import Format

FORMAT = Format("reader.opened", sections=True, truth=("gen", "Gen", "LHE", "PSWeight", "Pileup"))
