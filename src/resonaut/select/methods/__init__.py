"""The anomaly methods, a folder each."""
