"""The tests of Coterie itself; each example has its own beside it.

The only folder of tests with an `__init__.py`: `tests.engines` means this one, whatever examples
are on the path. An example's tests are known by their folder and import each other as `.conftest`.
"""
