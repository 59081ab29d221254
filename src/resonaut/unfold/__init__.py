"""The stage unfold: particle-level events from detector-level data."""
