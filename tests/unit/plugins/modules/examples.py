"""The tasks that the EXAMPLES of modules show."""

from __future__ import annotations

import importlib

import pytest
import yaml


def load(name):
    """A module by its name."""
    return importlib.import_module(f"ansible_collections.roth.fabric.plugins.modules.{name}")


def tasks(modules):
    """Name and arguments of each task that calls one of these modules in its own examples, as parameters of a test."""
    return [
        pytest.param(name, task[f"roth.fabric.{name}"], id=task["name"])
        for name in modules
        for task in yaml.safe_load(load(name).EXAMPLES)
        if f"roth.fabric.{name}" in task
    ]
