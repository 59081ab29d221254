"""Anomaly scores of whole events, and the regions of the most anomalous ones: one training for all windows."""
