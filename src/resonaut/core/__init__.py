"""What every stage needs: the analysis and its configuration, events, files, errors, weights, histograms."""
