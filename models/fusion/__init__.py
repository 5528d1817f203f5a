"""One file a fusion method; `layers.py` holds what two methods really share."""
