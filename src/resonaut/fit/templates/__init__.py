"""Template models: histograms of samples in channels, with nuisances, written as HistFactory JSON."""
