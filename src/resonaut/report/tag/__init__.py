"""Figures and tables of what the stage ``tag`` found."""
