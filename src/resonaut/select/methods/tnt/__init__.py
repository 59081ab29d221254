"""Tag N' Train: an anomalous jet labels the other jet of its event."""
