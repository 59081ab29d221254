"""The supervised selection by a tagger of jets."""
