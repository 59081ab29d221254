"""The stage ``classify``: event classifiers between classes of datasets, and categories of events."""
