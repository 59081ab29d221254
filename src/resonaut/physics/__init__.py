"""Physics that several stages share: jets and their features."""
