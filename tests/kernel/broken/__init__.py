"""Broken arguments of every module and the exact words that refuse them; add a case by adding an entry."""

from .files import FILE_CASES, SYSCTL_CASES
from .groups import BFD_CASES, GROUP_CASES
from .neutron import NEUTRON_CASES
from .openvswitch import OVS_CASES
from .others import OTHER_CASES
from .routes import NEIGHBOR_CASES, ROUTES_CASES

CASES = [
    *ROUTES_CASES, *NEIGHBOR_CASES, *GROUP_CASES, *BFD_CASES, *FILE_CASES, *SYSCTL_CASES, *OVS_CASES, *NEUTRON_CASES,
    *OTHER_CASES,
]  # fmt: skip
