"""Draws portraits of people who do not exist, with any expression."""
