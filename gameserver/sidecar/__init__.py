"""An SDK server for game servers on this machine, in the place of Agones' sidecar."""

import os

# Our process starts game servers: it forks, but only to become another program. gRPC's
# care for forked children would only log a line for each. It reads this when first imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
