"""The stage skim."""
