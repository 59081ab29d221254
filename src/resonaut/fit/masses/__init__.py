"""Models of one signal at one mass each, side by side: limits against the mass, on cross section and coupling."""
