"""placeholder"""

import click


@click.command("export")
def export_command() -> None:
    """x"""
