"""Raw words, voice and face -> states a fusion model reads."""
