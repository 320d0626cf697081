"""`python -m tests.load.unrecorded serve`: the gateway, but for its call records, which are let fall.

Only beside it can be seen what writing them does to the calls.
"""

import sys
from unittest.mock import patch

from gateway.__main__ import main
from gateway.store.record_queue import RecordQueue

if __name__ == "__main__":
    with patch.object(RecordQueue, "put", lambda _queue, _record: None):
        sys.exit(main())
