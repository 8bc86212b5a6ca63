"""How value was made: factor exposures, timing and selection, from the ledger and the tables it carries."""
