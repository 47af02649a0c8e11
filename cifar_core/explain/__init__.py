"""Seeing inside a trained network: why it answers as it does."""
