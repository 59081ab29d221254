"""The stage simulate."""
