"""The classify page, or the dashboard, as a Hugging Face Space: build its folder, prove it, publish it."""
