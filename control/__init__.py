"""The control process: it owns the fault plan, and takes databases and Redis down on purpose.

state.py      the plan's durable copy: a JSON file, replaced whole
mirror.py     the plan in Redis, where the services read it and count strikes
proofs.py     which journal entries prove that a fault struck
databases.py  makes a database refuse all clients, and accept them again
keeper.py     holds these together
outages.py    faults that this process carries out, because no service may
slots.py      makes lost replication slots and publications again
machine.py    what starts and stops programs here, as a protocol
starter.py    programs on demand: starts and stops them
signs.py      keeps the heartbeats' times for a Redis that loses its data
matrix.py     runs the failpoint matrix as a child
health.py     whether a process works, as seen from outside
setup/        roles, databases, grants, publications and slots
api.py        HTTP, for the front door alone
serve.py      the process itself
"""
