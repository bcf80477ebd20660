"""The log of a run: how it is recorded, and the proof that what always holds did hold."""

from readyup.history.check import Verdict, check
from readyup.history.record import Recorder, merge

__all__ = ["Recorder", "Verdict", "check", "merge"]
