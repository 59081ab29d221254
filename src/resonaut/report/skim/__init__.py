"""Figures and tables of what the stage ``skim`` found."""
