"""Must show 8: reconcile with a live Neutron as the source."""

from __future__ import annotations

from pathlib import Path

from lab import instances
from lab.api import Api

from tests.lab.disagreements import REPAIR, named, planted, prove_ten, reconcile, tables, unwatched
from tests.lab.fabric import Fabric

from .plugged import everywhere, nowhere, of_all, plug, ports


def test_ten_disagreements_with_neutron_are_named_and_a_repair_mends_exactly_what_is_ours(
    fabric: Fabric, tmp_path: Path
) -> None:
    with planted(fabric) as before:
        prove_ten(fabric, before, tmp_path / "report.json")


def test_what_neutron_changed_while_no_host_listened_is_named_and_repaired(
    api: Api, fabric: Fabric, tmp_path: Path
) -> None:
    """A port that was made, one that was deleted, one that was bound elsewhere with its instance."""
    report_file = tmp_path / "report.json"
    with ports(api, fabric, ["hv1", "hv2", "hv3"]) as (gone, moved, made):
        plug(fabric, [gone, moved])
        everywhere(fabric, of_all([gone, moved]))
        before = tables(fabric)
        with unwatched(fabric):
            api.delete("port", gone["id"])
            api.update("port", moved["id"], **{"binding:host_id": "hv3"})
            plug(fabric, [moved, made])
            run, report = reconcile(report_file, "-e", "reconcile_timeout=0")
            assert named(report) == {
                *(("orphan", "hv1", prefix) for prefix in of_all([gone])),
                *(("wrong host", "hv2", prefix) for prefix in of_all([moved])),
                *(("missing", "hv3", prefix) for prefix in of_all([moved, made])),
            }, run.output
            assert run.code != 0
            assert tables(fabric) == before, "without the tag nothing is changed"
            run, report = reconcile(report_file, *REPAIR)
            assert (run.code, named(report)) == (0, set()), run.output
        nowhere(fabric, of_all([gone]))
        everywhere(fabric, of_all([moved, made]))
        run, report = reconcile(report_file)
        assert (run.code, named(report), any(run.changed.values())) == (0, set(), False), run.output
        instances.unplug(fabric.settings, [gone["id"]])
