"""The walk runs in a lab that is up and deployed, as the proofs of tests/lab do."""

from tests.lab.conftest import fabric, whole

__all__ = ["fabric", "whole"]
