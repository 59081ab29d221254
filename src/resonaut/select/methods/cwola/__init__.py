"""CWoLa Hunting: signal region against sidebands."""
