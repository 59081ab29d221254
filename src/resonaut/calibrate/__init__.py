"""The stage calibrate."""
