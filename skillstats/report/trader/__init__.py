"""The trader's own page: what is taken out of ledger and evaluation for one person, and how it is written down."""
