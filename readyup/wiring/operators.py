"""The operator API of a console: the stores of every queue and fleet, and who may change them."""

from readyup.operators.api import OperatorApi
from readyup.operators.audit import Audit
from readyup.operators.deeds import Deeds
from readyup.operators.door import Door
from readyup.operators.plans import Plans
from readyup.operators.reads import Answers, Frames, Reads
from readyup.wiring.adapters import pools_of
from readyup.wiring.house import House


def operator_api(house: House, frames: Frames, answers: Answers) -> OperatorApi:
    """Put it together; nothing runs by itself."""
    pools = pools_of(house.store, house.config)
    return OperatorApi(
        Door(house.config.console, house.store, house.clock),
        Audit(house.store, house.clock),
        Deeds(house.queues(), pools, house.clock),
        Plans(house.store, house.config.fleets, house.clock),
        Reads(frames, answers),
        house.clock,
    )
