"""The page Mixing of the dashboard."""
