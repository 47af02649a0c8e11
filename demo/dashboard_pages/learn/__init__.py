"""The page Learn of the dashboard."""
