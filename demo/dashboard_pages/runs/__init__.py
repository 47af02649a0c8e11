"""The page Runs of the dashboard."""
