"""Bunch crossings as the Level-1 trigger sees them: collisions of a pool on one another, towers, hardware integers."""
