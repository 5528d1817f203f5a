"""What a researcher uses: features of one's own clips, training on features, metrics and protocols."""
