"""Figures and tables of what the stage ``fit`` found."""
