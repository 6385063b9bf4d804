"""A cloud from a host's own file, by keystoneauth1 alone; the server is a real one on the loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.entry import connect

from tests.unit.plugins.module_utils.neutron.http_neutron import SECRET, Server, serving

pytest.importorskip("keystoneauth1")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as found:
        yield found


def written(folder: Path, **entry: object) -> str:
    path = folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"lab": entry}}))
    return str(path)


def with_password(server: Server, folder: Path, password: str = SECRET) -> str:
    auth = {"auth_url": f"{server.url}/v3", "username": "ports", "password": password, "project_name": "service"}
    domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
    return written(
        folder, auth_type="v3password", auth={**auth, **domains}, interface="internal", region_name="one"
    )  # fmt: skip


def test_without_authentication_the_endpoint_is_asked(server: Server, tmp_path: Path) -> None:
    path = written(tmp_path, auth_type="none", auth={"endpoint": server.url}, network_endpoint_override=server.url)
    assert connect(path, "lab", 5).get("/v2.0/networks", [("name", "mobile")]) == {"networks": []}
    assert [path for path, _token in server.asked] == ["/v2.0/networks?name=mobile"]


def test_with_a_password_keystone_s_catalog_names_the_endpoint_of_region_and_interface(server, tmp_path: Path) -> None:
    assert connect(with_password(server, tmp_path), "lab", 5).get("/v2.0/networks") == {"networks": []}
    assert server.asked[-1] == ("/v2.0/networks", "the-token")


@pytest.mark.parametrize(("status", "kind"), [(401, "refused"), (403, "refused"), (500, "broken"), (503, "broken")])
def test_what_neutron_says_is_told_by_kind(server: Server, tmp_path: Path, status: int, kind: str) -> None:
    server.script["/v2.0/networks"] = (status, b'{"NeutronError": {"message": "no"}}')
    with pytest.raises(NeutronError) as told:
        connect(with_password(server, tmp_path), "lab", 5).get("/v2.0/networks")
    assert told.value.kind == kind


def test_a_wrong_password_is_refused_and_not_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NeutronError) as told:
        connect(with_password(server, tmp_path, "another-secret"), "lab", 5)
    assert told.value.kind == "refused"
    assert "another-secret" not in str(told.value)


def test_a_server_that_is_away_is_unreachable(server: Server, tmp_path: Path) -> None:
    away = "http://127.0.0.1:1"
    path = written(tmp_path, auth_type="none", auth={"endpoint": away}, network_endpoint_override=away)
    with pytest.raises(NeutronError) as told:
        connect(path, "lab", 5).get("/v2.0/networks")
    assert told.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"auth_type": "nonsense"}, "nonsense"),
        ({"auth_type": "v3password", "auth": {"auth_url": "http://127.0.0.1:1", "passwort": SECRET}}, "does not know"),
        ({"auth_type": "v3password", "auth": ["auth_url"]}, "no mapping"),
        ({"auth_type": "v3password", "auth": {"password": SECRET}}, "auth_url"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_by_what_is_wrong_and_without_secrets(tmp_path, entry, said) -> None:
    with pytest.raises(NeutronError) as told:
        connect(written(tmp_path, **entry), "lab", 5)
    assert told.value.kind == "refused"
    assert said in str(told.value)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("content", [None, "clouds: {lab: {}}", "[]", '{"clouds": {}}', '{"clouds": {"lab": 7}}'])
def test_a_file_without_the_entry_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "clouds.yaml").write_text(content)
    with pytest.raises(NeutronError, match=r"clouds\.yaml: ") as told:
        connect(str(tmp_path / "clouds.yaml"), "lab", 5)
    assert told.value.kind == "refused"
