"""PyMC blocks of the skill models, one structural choice a function.

`registry.REGISTRY` maps every word of a specification to the function that builds it; `skillstats.inference.build` puts them
together.
"""
