"""What may enter: schemas, readers, checks, quarantine, and the `Record` that comes out."""

from skillstats.record.containers import NULL, Record, Table, problem_frame
from skillstats.record.outcomes import OutcomeTable, read_outcome_table
from skillstats.record.read import read_record
from skillstats.record.schema import OUTCOMES, SCHEMA, schema_table

__all__ = [
    "NULL",
    "OUTCOMES",
    "SCHEMA",
    "OutcomeTable",
    "Record",
    "Table",
    "problem_frame",
    "read_outcome_table",
    "read_record",
    "schema_table",
]
