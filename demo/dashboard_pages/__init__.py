"""The dashboard's pages, a folder each."""
