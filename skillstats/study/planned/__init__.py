"""Studies that a TOML file describes: worlds x designs x estimators x metrics x replications.

`structs` the keys of a file; `file` reads and checks it; `listing` prints them; `worlds` and `work` one desk and every answer about it; `run` all of them;
`metrics`, `equal_power`, `resample`, `tables`, `needed`, `standing` what is made of the answers; `markdown` the tables as text. The page and the folder are written by
`skillstats.report.study_folder`, whose `run_study` is the public verb.
"""
