"""Shared by all tests: published case files stay outside the repository and are used only where they are present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CASES = "SKILLSTATS_CASES"
"""Environment variable naming the folder of case files (one folder a case); without it no ``test_cases_*.py`` is collected."""

collect_ignore_glob = [] if CASES in os.environ else ["*/test_cases_*.py"]


@pytest.fixture(scope="session")
def cases() -> Path:
    """Folder of the published cases."""
    folder = Path(os.environ[CASES])
    assert folder.is_dir(), f"{CASES}={folder} is not a folder"
    return folder
