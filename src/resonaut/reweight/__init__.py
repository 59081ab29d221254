"""The stage reweight."""
