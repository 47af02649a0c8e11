"""Runs of training: their events, the store that keeps them, and the launcher that starts them."""
