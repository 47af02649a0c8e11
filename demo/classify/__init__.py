"""The classify page (Gradio): a picture in, an answer out."""
