"""Model specifications: read, check, digest and describe models/*.toml. Nothing here imports PyMC."""

from skillstats.spec.describe import describe
from skillstats.spec.model import Luck, ModelSpec, Prior, Sampling, Skill
from skillstats.spec.read import list_specs, parse_spec, read_spec

__all__ = ["Luck", "ModelSpec", "Prior", "Sampling", "Skill", "describe", "list_specs", "parse_spec", "read_spec"]
