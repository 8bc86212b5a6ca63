"""The pictures of an evaluation for a notebook, one module a picture.

Each module has a data function, frozen and JSON-ready, which holds nothing that is withheld, and `plot_...`, which draws that data and nothing
else on matplotlib's axes. Where a page has the same picture, it is made from the same data. Every picture's title states its finding.
"""
