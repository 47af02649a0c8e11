"""The page Live of the dashboard."""
