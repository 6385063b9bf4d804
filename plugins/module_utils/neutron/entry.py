# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud from a file with its entry, by keystoneauth1 alone: what a hypervisor needs, which has no openstacksdk.

openstacksdk drags compiled packages along (cryptography, psutil, PyYAML), and what runs on a host is pure Python. Every
auth plugin is keystoneauth1's own, so nothing is lost but the merging of files, profiles and the environment: the entry
in the file says it all. Source: https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from .cloud import NeutronError, SessionCloud, as_neutron_error

_DEFAULT_TYPE = "password"


def read_entry(path: str, name: str) -> Mapping[str, object]:
    """The entry `name` of a clouds.yaml that is written as JSON. Raises NeutronError, without the file's content."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        entry = found["clouds"][name]
    except OSError as error:
        raise NeutronError("refused", f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise NeutronError("refused", f"{path}: it is no JSON") from None
    except (KeyError, TypeError, IndexError):
        raise NeutronError("refused", f"{path}: it has no cloud {name!r}") from None
    if not isinstance(entry, dict):
        raise NeutronError("refused", f"{path}: cloud {name!r} is no mapping")
    return entry


def _text(entry: Mapping[str, object], *keys: str) -> str | None:
    """The first of these that is there."""
    return next((str(entry[key]) for key in keys if entry.get(key)), None)


def connect(path: str, name: str, timeout: float) -> SessionCloud:
    """Neutron of the entry `name` in the file. `timeout` (seconds) bounds each request.

    Raises NeutronError: `refused` when entry, plugin or endpoint is missing, else as the requests for a token do.
    """
    entry, place = read_entry(path, name), f"cloud {name!r}"
    try:
        from keystoneauth1 import loading
        from keystoneauth1.exceptions import ClientException
        from keystoneauth1.session import Session
    except ImportError as error:
        raise NeutronError(
            "refused", f"{place}: keystoneauth1 is needed here and cannot be imported ({error})"
        ) from None
    options = entry.get("auth") or {}
    if not isinstance(options, dict):
        raise NeutronError("refused", f"{place}: 'auth' is no mapping")
    verify = entry.get("verify", True) is not False
    certificate = (_text(entry, "cert"), _text(entry, "key"))
    try:
        loader = loading.get_plugin_loader(_text(entry, "auth_type") or _DEFAULT_TYPE)
        session = Session(
            auth=loader.load_from_options(**{key.replace("-", "_"): value for key, value in options.items()}),
            verify=(_text(entry, "cacert") or True) if verify else False,
            cert=certificate if all(certificate) else certificate[0],
            timeout=timeout,
        )
        endpoint = _text(entry, "network_endpoint_override", "network_endpoint") or session.get_endpoint(
            service_type="network",
            interface=_text(entry, "network_interface", "interface") or "public",
            region_name=_text(entry, "region_name"),
            skip_discovery=True,
        )
    except ClientException as error:
        raise as_neutron_error(place, error) from None
    except TypeError:
        raise NeutronError("refused", f"{place}: 'auth' has an option that its auth_type does not know") from None
    if not endpoint:
        raise NeutronError("refused", f"{place}: its catalog has no endpoint of the service network (Neutron)")
    return SessionCloud(session, endpoint, timeout)
