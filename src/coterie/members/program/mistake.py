"""ProgramMistake: why a program cannot be run, and what to do about it."""

__all__ = ["ProgramMistake"]


class ProgramMistake(Exception):
    """A program that cannot be loaded, started or reached.

    ``what`` is wrong, as the first half of a sentence; ``remedy`` the advice, as a sentence.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy
