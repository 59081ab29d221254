"""Anomaly detection in the Level-1 trigger: a network, its integers, and what its decisions give."""
