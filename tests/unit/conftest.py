"""What the tests of the preview's server share: one that runs over a project, and one for all tests of a module that only look."""

import preview_server
import pytest


@pytest.fixture
def preview(project):
    """A preview over the test's own project."""
    with preview_server.running(project) as found:
        yield found


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """One preview for all tests that only look."""
    with preview_server.running(preview_server.standing_project(tmp_path_factory.mktemp("standing") / "project")) as found:
        yield found
