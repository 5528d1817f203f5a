"""Ways to run the page somewhere else than on one's own machine."""
