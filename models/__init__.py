"""What researchers touch: extractors, fusion methods, training. Never imports `app`."""
