"""The contestants, each as its own documentation has it, a file a program.

All enforce the rules of `models.py`, answer the values of `bench/orders.py`, and write an access
log where they have one. These programs run in `.venv-bench`; the peers' own modules are not in the
environment of the checks and partly untyped, so mypy leaves this folder out.
"""
