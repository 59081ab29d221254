"""Figures of the decisions of a Level-1 trigger."""

HEADING = "Level-1 trigger"
