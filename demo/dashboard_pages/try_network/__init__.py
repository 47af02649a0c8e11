"""The page Try of the dashboard."""
