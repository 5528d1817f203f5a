"""Clip -> Analysis: the analyst and its feature cache."""
