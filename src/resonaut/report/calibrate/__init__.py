"""Figures and tables of what the stage ``calibrate`` found."""
