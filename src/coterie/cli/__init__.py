"""The command line: one file a verb, each parses, calls one function, prints.

Knows terminals: colour for people, ``--json`` for machines, exit codes (0 done, 1 failed, 2 asked
wrongly, 130 interrupted). Results go to standard output, everything else to standard error.

Deliberately decides nothing: what it prints, a function below has found out.
"""

__all__: list[str] = []
