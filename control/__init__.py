"""The control process: it owns the fault plan, and takes databases and Redis down on purpose.

state.py      the plan's durable copy: a JSON file, replaced whole
mirror.py     the plan in Redis, where the services read it and count strikes
proofs.py     which journal entries prove that a fault struck
databases.py  makes a database refuse all clients, and accept them again
keeper.py     holds these together
machine.py    what starts and stops programs here, as a protocol
starter.py    programs on demand: starts and stops them
api.py        HTTP, for the front door alone
"""
