"""Cross sections as functions of couplings: samples at some points of the couplings make every other point."""
