"""How the weights and cards in `checkpoints/` are made, from the folder of the labelled data."""
