"""Parts that both pages use: colors, words, pictures, the decoder's sandbox. Neither Streamlit nor Gradio."""
