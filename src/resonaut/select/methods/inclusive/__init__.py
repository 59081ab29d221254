"""The inclusive selection: every event."""
