"""Measurements of this machine: ratios against plain baselines, and how long a recipe would take here."""
