"""Estimates of the time that a training takes on this machine."""
