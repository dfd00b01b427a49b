"""unit_of_work(): the policy that gives every call its transaction."""

from functools import partial

from coterie.call import Call, Failure, Handler, Policy, Reply
from coterie.contract import Code

from .database import Database
from .errors import (
    CommitFailed,
    Conflict,
    CorruptDatabase,
    MigrationError,
    StoreError,
    Unavailable,
)

__all__ = ["told", "unit_of_work"]


def unit_of_work(database: Database) -> Policy:
    """Commit what a call did to ``database`` once its reply is encoded; else roll it back.

    The handler inside renders the reply, so what cannot be encoded changes nothing. A streamed
    body begins after the commit. A `StoreError` that nobody caught becomes a `Failure`, whose
    message tells the caller nothing about the database; the error itself is its ``__cause__``.
    What a policy outside of this one has to keep with the effect, `Call.record` writes.
    """

    def policy(handler: Handler) -> Handler:
        async def serve(call: Call) -> Reply:
            operation = call.operation
            try:
                async with database.unit_of_work(operation.id, write=not operation.safe) as unit:
                    reply = await handler(call)
                    record = call.record
                    if record is not None:
                        unit.before_commit(partial(record, reply))
                    return reply
            except StoreError as error:
                raise told(error) from error

        return serve

    return policy


def told(error: StoreError) -> Failure:
    """What a caller is told of ``error``: what to do, and nothing about the database."""
    match error:
        case Unavailable():
            return Failure(
                Code.UNAVAILABLE,
                "The database of this service does not answer now; try again in a moment.",
                retry_after=1.0,
            )
        case Conflict():
            return Failure(Code.ABORTED, "Another change got in the way; send the call again.")
        case CommitFailed(unknown=True):
            return Failure(
                Code.UNKNOWN,
                "The connection to the database broke at the last step: whether the change was"
                " kept is unknown. Look before you send it again.",
            )
        case CommitFailed():
            return Failure(
                Code.UNAVAILABLE, "The change could not be kept, and nothing was; try again."
            )
        case CorruptDatabase():
            return Failure(Code.DATA_LOSS, "What this service stored cannot be read any more.")
        case MigrationError():
            return Failure(Code.FAILED_PRECONDITION, "The database of this service is not ready.")
        case _:
            return Failure(Code.INTERNAL, "This service uses its database wrongly; see its log.")
