"""Figures of how good emulated showers are."""
