"""ANODE: the ratio of two densities."""
