"""How long each step may take, in one place because they must nest.

flush < delivery < transaction: what was not delivered fails before the transaction does. The session is short, so
that a killed replica's partitions move within ten seconds.
"""

from __future__ import annotations

from typing import Final

REQUEST_MS: Final = 2_500
# How long a leader waits for its replicas: it says so where they did not come, before it is given up itself.
REPLICAS_MS: Final = 2_000
DELIVERY_MS: Final = 5_000
TRANSACTION_MS: Final = 8_000
MAX_BLOCK_MS: Final = 10_000
FLUSH_SECONDS: Final = 4.0
# One step of the transaction coordinator: taking offsets, committing, initialising an id. When its node is lost,
# several short tries find the new one sooner than a long one.
COORDINATOR_MS: Final = 3_000

SESSION_MS: Final = 6_000
HEARTBEAT_MS: Final = 1_500

BOOTSTRAP_MS: Final = 3_000
COMMITTED_MS: Final = 10_000
CONNECTION_SETUP_MS: Final = 3_000

# A poll may have to find where each of many partitions begins, each within COMMITTED_MS.
POLL_SECONDS: Final = 120.0
HANDLE_SECONDS: Final = 30.0
SAVE_SECONDS: Final = 30.0
COMMIT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 5.0
# Closing, connecting, initialising the id, and several questions to the cluster about what was left open.
REPLACE_SECONDS: Final = 120.0
# A transaction times out after TRANSACTION_MS, and a stock broker looks for those every ten seconds.
LOOK_AGAIN_SECONDS: Final = 20.0
