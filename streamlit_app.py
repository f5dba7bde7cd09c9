"""The app's entry point: `streamlit run streamlit_app.py`."""

if __name__ == "__main__":  # the script that draws a page
    from playground.shell import run

    run()
elif __name__ == "streamlit_app":  # the server, which imports this file once; a worker process does neither
    import streamlit as st

    from playground.server import lifespan

    app = st.App(__file__, lifespan=lifespan)
