# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan for a routed provider network, carried out through Neutron's API."""

from __future__ import annotations

from collections.abc import Mapping

from .cloud import NeutronError, WritableCloud, path_of
from .found import read_segments
from .network_plan import NetworkPlan, Step
from .routed import SegmentKey


class StepError(Exception):
    """Neutron refused a step. `done` are the steps before it, which stay; the next run goes on from there."""

    def __init__(self, step: Step, error: NeutronError, done: list[Step]) -> None:
        before = f"; done before: {', '.join(f'{each.action} {each.text}' for each in done)}" if done else ""
        super().__init__(f"{step.action} {step.text}: {error}{before}")
        self.done = done


def carry_out(cloud: WritableCloud, plan: NetworkPlan, network_id: str) -> str:
    """Do the steps in their order; returns the network's id. `network_id` is empty where the network is to be made.

    Raises StepError.
    """
    work = _Work(cloud, network_id, plan)
    done: list[Step] = []
    for step in plan.steps:
        try:
            if not step.implied:
                work.do(step)
        except NeutronError as error:
            raise StepError(step, error, done) from error
        done.append(step)
    return work.network_id


class _Work:
    """Ids of what was made so far, for the steps after it."""

    def __init__(self, cloud: WritableCloud, network_id: str, plan: NetworkPlan) -> None:
        self._cloud = cloud
        self.network_id = network_id
        self._segments = {each.key: each.id for each in read_segments(cloud, network_id)} if network_id else {}
        self._first = next((s for s in plan.steps if (s.action, s.what) == ("create", "segment")), None)

    def do(self, step: Step) -> None:
        if step.action == "delete":
            self._cloud.delete(path_of(f"{step.what}s", step.id))
        elif step.action == "update":
            self._cloud.put(path_of(f"{step.what}s", step.id), {step.what: step.body})
        elif step.what == "network":
            self._create_network(step)
        elif step.what == "segment":
            self._create_segment(step)
        else:
            segment = {} if step.segment is None else {"segment_id": self._segments[step.segment]}
            self._create("subnet", {**step.body, **segment, "network_id": self.network_id})

    def _create(self, what: str, body: Mapping[str, object]) -> str:
        answer = self._cloud.post(path_of(f"{what}s"), {what: body}).get(what)
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
            raise NeutronError("broken", f"Neutron did not tell the id of the new {what}")
        return str(answer["id"])

    def _create_network(self, step: Step) -> None:
        """With its first segment: a network made without one gets a segment of Neutron's choice."""
        first = self._first.body if self._first else {}
        provider = {f"provider:{key}": value for key, value in first.items() if key != "name"}
        self.network_id = self._create("network", {**step.body, **provider})
        self._segments = {each.key: each.id for each in read_segments(self._cloud, self.network_id)}

    def _create_segment(self, step: Step) -> None:
        key = _key(step.body)
        if key in self._segments:  # it came with the network, without a name
            self._cloud.put(path_of("segments", self._segments[key]), {"segment": {"name": step.body["name"]}})
        else:
            self._segments[key] = self._create("segment", {**step.body, "network_id": self.network_id})


def _key(body: Mapping[str, object]) -> SegmentKey:
    number = body.get("segmentation_id")
    vlan = number if isinstance(number, int) else None
    return str(body["network_type"]), str(body["physical_network"]), vlan
