"""My runs: a run is loaded back from its zip, and a file that no run could be is not taken."""

from __future__ import annotations

from streamlit import config

from playground.jobs import LIMITS
from playground.jobs.limits import MIB
from tests.playground.helpers import faultless


def test_the_uploader_takes_what_the_server_takes(visit, jobs):
    """One number: the widget says it and holds to it, a zip has at most as much, and the server does not refuse it."""
    app = faultless(visit())
    uploader = next(each.proto for each in app.get("file_uploader") if each.proto.id.endswith("train.zip"))
    assert uploader.max_upload_size_mb * MIB == LIMITS.packed
    assert any(f"of at most {uploader.max_upload_size_mb} MB" in each.value for each in app.caption)
    assert config.get_option("server.maxUploadSize") * MIB >= LIMITS.packed
