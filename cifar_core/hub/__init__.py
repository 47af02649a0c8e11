"""The Hugging Face Hub: publish a checkpoint or a Space, and fetch a checkpoint that somebody published."""
