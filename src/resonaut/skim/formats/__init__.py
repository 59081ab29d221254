"""Layouts of input files: each folder is one, and declares itself."""
