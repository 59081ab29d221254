"""Backgrounds from failing events: what passes is a polynomial times data minus other simulation of what fails."""
