"""The simulation's event loop, for tests of whatever takes its time from the loop."""

from readyup.simulation.loop import SleepForever, VirtualLoop, run

__all__ = ["SleepForever", "VirtualLoop", "run"]
