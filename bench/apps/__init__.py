"""The contestants, each as its own documentation has it, a file a program.

All enforce the rules of `models.py`, answer the values of `bench/orders.py`, and write an access
log where they have one. These programs run in `.venv-bench`. The peers' modules are not in the
environment of the checks, so mypy is told in each of their files to look away.
"""
