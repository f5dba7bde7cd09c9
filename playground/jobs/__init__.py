"""Training in the app: worker processes, the line that they stand in, and the folders that they write.

The pages call `Jobs`. Nothing here imports Streamlit, and importing this costs no torch.
"""

from playground.jobs.archive import pack, unpack
from playground.jobs.folder import ACTIVE
from playground.jobs.limits import LIMITS, Limits, Refused
from playground.jobs.service import Job, Jobs, NotYours

__all__ = ["ACTIVE", "LIMITS", "Job", "Jobs", "Limits", "NotYours", "Refused", "pack", "unpack"]
