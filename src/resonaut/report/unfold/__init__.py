"""Figures of what the stage ``unfold`` found."""
