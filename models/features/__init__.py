"""Labelled states of utterances: in memory, in files (.npz, MMSA's .pkl), and with parts of them missing."""
