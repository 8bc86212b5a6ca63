"""How value was made and at what risk: factor exposures, choice of signals, books; from the ledger and the tables it carries."""
