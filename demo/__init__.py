"""The two pages, dashboard.py (Streamlit) and app.py (Gradio), and what they share; nothing imports them."""
