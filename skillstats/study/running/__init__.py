"""Running the tasks of a study: on one core, on all of them, or on a cluster, with the same table in the end, to the byte.

    results = run_tasks(tasks, "skillstats.study.somewhere:work", root=1, folder=Path("out"), engine="processes", workers=8)

A task is a replicate of a design, with a payload (text or bytes). The work is a function ``work(payload, seed)`` -> pandas frame, named as
``module:function``, whose rows depend on the payload and on what it draws from the `numpy.random.SeedSequence` only. Around it:

- every task runs in a process apart, with limits of time and memory; one that fails twice is FAILED with a cause and keeps its place in the table;
- every result is one file, named after all it depends on, with a digest of itself; a run that was stopped is resumed from them;
- seeds, names and the order of the table know nothing of workers, engines or time, so neither does the table's SHA-256.

`tasks` what a run is made of; `version` of the code; `child`, `keeper`, `messages`, `ends` the process apart; `pools`, `cluster`, `worker_side` where batches run; `drive` who
is given what, and again; `resultfile`, `store` what is kept; `progress` what is told; `security` to whom a run may speak; `run` all of it. What it
withstands is measured by ``python -m skillstats.study.faults``. The blocks of `calibrate` are run by the older `skillstats.study.runner`.
"""

from skillstats.study.running.run import Results, run_tasks
from skillstats.study.running.security import TlsFiles
from skillstats.study.running.tasks import Limits, Task

__all__ = ["Limits", "Results", "Task", "TlsFiles", "run_tasks"]
