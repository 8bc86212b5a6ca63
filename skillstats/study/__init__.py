"""Calibration: is what the models say true as often as they say?

Worlds are drawn from a model's own priors, fitted by the shipped engines and compared with their truth: ranks (`sbc`), interval coverage
(`coverage`), contraction and z-scores (`contraction`). `misspecification`, `nulls` and `dependence` leave the model's own
world; `mutants` plants defects that the checks must find. `python -m skillstats.study.calibration` runs all of it.
"""
