"""What a client has heard of a streamed answer before there is one: shared by all attempts of its call.

Called by response_stream and anthropic_stream, whose streams open once, be it by a beat.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class ToldBefore:
    """What one call's client has heard before there was an answer: one for all attempts of the call.

    events   the beats' events, so many that the next has this number
    """

    events: int = 0
