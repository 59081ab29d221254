"""Figures and tables of what the stage ``reweight`` found."""
