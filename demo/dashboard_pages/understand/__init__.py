"""The page Understand of the dashboard."""
