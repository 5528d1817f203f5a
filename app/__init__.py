"""What visitors and callers touch: media, service, page, command line."""
