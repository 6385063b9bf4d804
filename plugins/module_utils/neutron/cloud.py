# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron's API as plain JSON over an authenticated session: the only file that imports openstacksdk or keystoneauth1.

openstacksdk reads clouds.yaml and the environment and keystoneauth1 brings every auth plugin; its Neutron objects are
not used, because they drop filters they do not know and read what was not asked for as False.
Both are imported when a cloud is connected, so that everything else works without them.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from keystoneauth1.session import Session

Kind = Literal["unreachable", "refused", "broken"]
Query = Sequence[tuple[str, str]]

TIMEOUT = 30.0
"""Seconds that one request may take, as a default: 10,000 ports took 6.5 s."""

_SHOWN = 300  # characters of Neutron's own message that an error quotes
_LARGEST = 256 * 1024 * 1024  # bytes; 100,000 ports are about 60 MB
_REFUSED = (401, 403)


class NeutronError(Exception):
    """Neutron gave no whole answer. The text is for the operator and holds no credentials.

    `kind` is `unreachable` (no connection, or not in time), `refused` (no credentials that it takes: 401, 403, an
    unknown cloud) or `broken` (an error, no JSON, half an answer, a form that is not the API's). `status` is the HTTP
    status where an answer came.
    """

    def __init__(self, kind: Kind, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.kind: Kind = kind
        self.status = status


class Cloud(Protocol):
    """Reads of Neutron's API; `path` begins with /v2.0/. Raises NeutronError."""

    def get(self, path: str, query: Query = ()) -> Mapping[str, object]:
        """The JSON object that the server answers."""


class WritableCloud(Cloud, Protocol):
    """Reads and writes. Raises NeutronError, with the HTTP status where the server refused what was sent."""

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Create; the answer is what there is now."""

    def put(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Change; the answer is what there is now."""

    def delete(self, path: str) -> None:
        """Remove; fine when it is not there any more."""


class Answer(Protocol):
    """What of a requests.Response is used here."""

    status_code: int

    def iter_content(self, chunk_size: int | None = ...) -> Iterable[bytes]:
        """The body in pieces as they arrive."""

    def close(self) -> None:
        """Give the connection back."""


def path_of(*parts: str) -> str:
    """`/v2.0/` and the parts, each quoted: path_of("ports", id)."""
    return "/v2.0/" + "/".join(quote(part, safe="") for part in parts)


def read_answer(place: str, answer: Answer, deadline: float) -> Mapping[str, object]:
    """The JSON object of an answer; empty for one without a body.

    The body is read in pieces, so that a server that sends one byte now and then cannot outlast `deadline`
    (time.monotonic). Raises NeutronError.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in answer.iter_content(None):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST:
            raise NeutronError("broken", f"{place}: the answer is longer than {_LARGEST} bytes", answer.status_code)
        if time.monotonic() > deadline:
            raise NeutronError("unreachable", f"{place}: the answer was not whole in time ({size} bytes came)")
    body = b"".join(pieces)
    if answer.status_code >= 300:
        raise _error(place, answer.status_code, body)
    if answer.status_code == 204:
        return {}
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        text = f"{place}: the answer ({len(body)} bytes) is no JSON: {error}"
        raise NeutronError("broken", text, answer.status_code) from None
    if not isinstance(parsed, dict):
        raise NeutronError("broken", f"{place}: {type(parsed).__name__} came, expected an object", answer.status_code)
    return parsed


def _error(place: str, status: int, body: bytes) -> NeutronError:
    kind: Kind = "refused" if status in _REFUSED else "broken"
    words = _words(body)
    return NeutronError(kind, f"{place}: HTTP {status}{': ' + words if words else ''}", status)


def _words(body: bytes) -> str:
    """What the server says, printable and short: {"NeutronError": {"message": …}} or the text before it."""
    try:
        parsed = json.loads(body)
        inner = next(iter(parsed.values()))
        text = str(inner["message"]) if isinstance(inner, dict) and "message" in inner else str(inner)
    except (ValueError, AttributeError, StopIteration, RecursionError):
        text = body.decode("utf-8", "replace")
    short = " ".join(text.split())[:_SHOWN]
    return "".join(char if char.isprintable() else "?" for char in short)


class SessionCloud:
    """Neutron behind one keystoneauth1 session: requests keep their connection and share their token."""

    def __init__(self, session: Session, endpoint: str, timeout: float) -> None:
        self._session = session
        self._root = endpoint.rstrip("/").removesuffix("/v2.0")
        self._timeout = timeout

    def get(self, path: str, query: Query = ()) -> Mapping[str, object]:
        """See Cloud."""
        return self._ask("GET", path + ("?" + urlencode(query) if query else ""))

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """See WritableCloud."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """See WritableCloud."""
        return self._ask("PUT", path, body)

    def delete(self, path: str) -> None:
        """See WritableCloud."""
        try:
            self._ask("DELETE", path)
        except NeutronError as error:
            if error.status != 404:
                raise

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, object]:
        from keystoneauth1.exceptions import ClientException
        from requests import RequestException
        from requests.exceptions import ChunkedEncodingError, ContentDecodingError

        place = f"{method} {self._root}{path.split('?', 1)[0]}"
        deadline = time.monotonic() + self._timeout
        try:
            answer = self._session.request(
                self._root + path,
                method,
                json=body,
                raise_exc=False,  # answers are judged in one place
                redirect=False,
                stream=True,
                log=False,
                headers={"Accept": "application/json"},
            )
            try:
                return read_answer(place, answer, deadline)
            finally:
                answer.close()
        except ClientException as error:
            raise as_neutron_error(place, error) from None
        except (ChunkedEncodingError, ContentDecodingError) as error:
            raise NeutronError("broken", f"{place}: half an answer came: {_first_line(error)}") from None
        except RequestException as error:  # no more came in time
            raise NeutronError("unreachable", f"{place}: {_first_line(error)}") from None


def as_neutron_error(place: str, error: Exception) -> NeutronError:
    """What keystoneauth1 raises (a ClientException) by kind: its own requests go to Keystone, for a token."""
    from keystoneauth1 import exceptions as known

    status = getattr(error, "http_status", None)
    text = f"{place}: {_first_line(error)}"
    if isinstance(error, known.HttpError):
        kind: Kind = "refused" if status in (*_REFUSED, 404) else "broken"  # 404: Keystone does not know the user
        return NeutronError(kind, text, status)
    if isinstance(error, (known.ConnectionError, known.DiscoveryFailure, known.RetriableConnectionFailure)):
        return NeutronError("unreachable", f"{place}: {_reason(error)}")
    return NeutronError("refused", text)


def _reason(error: BaseException) -> str:
    """What the innermost error says: "Connection refused" stands five exceptions below what keystoneauth1 raises."""
    inner: BaseException | None = error
    while inner is not None:
        error, inner = inner, inner.__cause__ or inner.__context__
    return getattr(error, "strerror", None) or _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0].removesuffix(".")[:_SHOWN] if lines and lines[0] else type(error).__name__


def _with_keystone(place: str, auth: object) -> str:
    url = auth.get("auth_url") if isinstance(auth, dict) else None
    return f"{place} ({url})" if url else place


def connect(name: str | None, *, timeout: float = TIMEOUT) -> SessionCloud:
    """Neutron of the clouds.yaml entry `name`, or of the environment (OS_CLOUD, OS_AUTH_URL …) when it is None.

    `timeout` bounds each request, in seconds. Sends nothing but what the auth plugin needs for the catalog.
    Raises NeutronError: `refused` when the entry, a plugin or the endpoint is missing, else as the requests do.
    """
    place = f"cloud {name!r}" if name else "the cloud of the environment"
    try:
        from keystoneauth1.exceptions import ClientException
        from openstack.config import OpenStackConfig
        from openstack.exceptions import ConfigException
    except ImportError as error:
        raise NeutronError("refused", f"{place}: openstacksdk cannot be imported here ({error})") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openstacksdk tells of metrics databases that nobody asked for
            region = OpenStackConfig().get_one(cloud=name)
            place = _with_keystone(place, region.config.get("auth"))
            session = region.get_session()
        session.timeout = float(timeout)  # for the token as well
        endpoint = region.get_endpoint("network") or session.get_endpoint(
            service_type="network",
            interface=region.get_interface("network"),
            region_name=region.get_region_name("network"),
            skip_discovery=True,
        )
    except ConfigException as error:
        raise NeutronError("refused", f"{place}: {_first_line(error)}") from None
    except ClientException as error:
        raise as_neutron_error(place, error) from None
    if not endpoint:
        raise NeutronError("refused", f"{place}: its catalog has no endpoint of the service network (Neutron)")
    return SessionCloud(session, endpoint, timeout)
