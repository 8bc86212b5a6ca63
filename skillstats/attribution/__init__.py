"""Where the value came from, and at what risk: what books say without a skill model."""
