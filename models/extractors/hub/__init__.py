"""The profile `hub`: any encoders of `transformers`, by their names on the hub or from folders."""
