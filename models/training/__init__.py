"""Datasets, trainers and metrics; the encoders of the `local` profile are trained here too."""
