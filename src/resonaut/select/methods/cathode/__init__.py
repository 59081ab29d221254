"""CATHODE: data against events sampled from an interpolated density."""
