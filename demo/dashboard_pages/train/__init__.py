"""The page Train of the dashboard."""
