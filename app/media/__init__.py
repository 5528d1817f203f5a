"""File -> Clip, and voice -> words: guarded decoding, speech recognition, language check."""
