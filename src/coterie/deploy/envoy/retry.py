"""When Envoy sends a request again: nothing was sent, or nothing begun; or it does no harm."""

from coterie.members.gateway import NOT_READY, REFUSED, TRIES

from .document import Json, seconds, typed

__all__ = ["retry"]

_OTHERS = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
}


def retry(also: str = "", tries: int = TRIES, begins: float | None = None) -> Json:
    """The policy of a route: ``tries`` in all, for what never left and ``also`` for other causes.

    An answer to any of them has ``begins`` seconds for its first octet. Envoy lifts that limit once
    the answer has begun, which it does not do with those of the route.
    """
    return {
        "retry_on": "connect-failure,refused-stream,reset-before-request,retriable-headers" + also,
        # Not of those with too much to do: asked again, they would have more.
        "retriable_headers": [{"name": REFUSED, "string_match": {"exact": NOT_READY}}],
        "num_retries": tries - 1,
        **({} if begins is None else {"per_try_timeout": seconds(begins)}),
        "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
        "retry_host_predicate": [_OTHERS],
        "host_selection_retry_max_attempts": 5,
    }
