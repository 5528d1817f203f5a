"""A media file -> Clip: decoding, its pictures, its sound, and whether its end is missing."""
