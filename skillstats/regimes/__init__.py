"""Labels that were knowable at decision time."""
