"""Figures and tables of what the stage ``select`` found."""
