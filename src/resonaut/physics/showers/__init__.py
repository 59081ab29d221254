"""Showers of calorimeters in the layout of the CaloChallenge (arXiv:2410.21611): voxels, files, observables."""
