"""The rig of the exhibit about copies: the process that writes Ticket's."""

from topology.parts import Rig, part

REPLICATOR = "replicator-tickets"
RIG = Rig(name="replicas", programs=(REPLICATOR,))
PART = part(RIG)
