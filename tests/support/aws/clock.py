"""The stand-in's clocks: wall time, which a test may set wrong, and ticks, by which states change."""

import datetime
import time


class Clock:
    """offset: seconds by which the stand-in's wall clock is ahead of this machine's; ticks never jump."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.offset)

    @staticmethod
    def ticks():
        return time.monotonic()

    def wall(self, ticks):
        """The wall time at which the ticks stood so."""
        return self.now() + datetime.timedelta(seconds=ticks - self.ticks())
