"""The page Results of the dashboard."""
