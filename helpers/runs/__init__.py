"""Runs of an experiment: made in the background, kept, compared, and saved."""
