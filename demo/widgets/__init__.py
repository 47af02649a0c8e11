"""Parts of Streamlit that two pages or more draw."""
