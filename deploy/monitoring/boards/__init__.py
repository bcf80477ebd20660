"""The boards: what an operator looks at, one page for each question."""

from deploy.monitoring.boards.capacity import capacity
from deploy.monitoring.boards.fleets import fleets
from deploy.monitoring.boards.jitter import jitter
from deploy.monitoring.boards.matchmaking import matchmaking
from deploy.monitoring.boards.players import players
from deploy.monitoring.boards.store import store

BOARDS = (players(), matchmaking(), fleets(), capacity(), jitter(), store())
