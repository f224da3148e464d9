"""Tests that share something costly (a server, a data directory) run in one process, or each makes one."""

import os

import pytest


@pytest.mark.xdist_group("groups")
def test_a_group_of_tests_goes_to_one_worker(request: pytest.FixtureRequest) -> None:
    """The worker's name for a test ends with its group: without it the group is spread in silence."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    assert alone or request.node.nodeid.endswith("@groups")
