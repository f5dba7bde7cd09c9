"""The app's entry point: `streamlit run streamlit_app.py`."""

if __name__ == "__main__":
    from playground.shell import run

    run()
