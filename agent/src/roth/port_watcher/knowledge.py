"""What this host is known to have: by the lists that were written last, ours or those of a playbook."""

from __future__ import annotations

from ..lists import newest
from ..log import log
from .answer import Answer, parse_answer
from .config import Config


class Knowledge:
    """`answer` is what is known; the lists on disk are its only memory over a restart."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.answer = Answer()
        self._looks: object = None  # of the lists that `answer` is
        self._failure = ""  # why they could not be read, as it was logged

    def newest(self) -> Answer:
        """The lists that were written last: ours, or those of a playbook that has read Neutron since."""
        pair = newest([self.config.lists, self.config.playbook_lists])
        looks = (pair, pair.looks())
        if looks != self._looks:
            try:
                # without any list: the way to Neutron may be the fabric, and need our own addresses announced
                routes, taps = pair.lines() if pair.written() else (self.config.own_routes(), [])
                self.answer = parse_answer(routes, taps)
                self._looks, self._failure = looks, ""
                log("list_taken", file=pair.routes, routes=len(self.answer.routes))
            except (OSError, ValueError) as error:
                if str(error) != self._failure:  # this is asked at every event
                    log("list_not_read", "warning", file=pair.routes, error=error)
                self._failure = str(error)
        return self.answer

    def keep(self, answer: Answer) -> None:
        """Write the lists, unless they say so already. Before the kernel: what goes must not be put back meanwhile."""
        theirs, ours = self.config.playbook_lists.written(), self.config.lists.written()
        same = (answer.routes, answer.taps, answer.contradictory)
        stale = ours is None or (theirs is not None and theirs >= ours)
        if stale or same != (self.answer.routes, self.answer.taps, self.answer.contradictory):
            try:
                self.config.lists.write(answer.route_lines(), answer.tap_lines(), after=theirs)
            except OSError as error:
                log("list_not_written", "warning", error=error)
        self.answer = answer
        pair = newest([self.config.lists, self.config.playbook_lists])
        self._looks, self._failure = (pair, pair.looks()), ""

    def theirs(self) -> object:
        """What tells whether a playbook has written its lists meanwhile. No clock is asked: it may have jumped."""
        return self.config.playbook_lists.looks()
