"""NanoAOD and PFNano files."""
