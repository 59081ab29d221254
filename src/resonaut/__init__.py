"""Resonaut: from collision events to p-values and limits, in reproducible stages."""
