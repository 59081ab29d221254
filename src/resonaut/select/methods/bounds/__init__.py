"""What no search can have, to compare with what it can."""
