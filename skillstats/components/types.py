"""The one type of a symbolic array. PyTensor's own annotations do not survive strict checking, so it stands for Any."""

from typing import Any

type Tensor = Any
"""A PyTensor expression; shape and unit stand in the docstring of each function."""
