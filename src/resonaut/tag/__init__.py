"""The stage tag."""
