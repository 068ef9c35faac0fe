"""The control process: owner of the fault plan, and the one who takes databases and Redis down on purpose.

state.py      the plan's durable copy: a JSON file, replaced whole
mirror.py     the plan in Redis, where the services read it and count it down
proofs.py     which journal entries prove that a fault struck
databases.py  a database that refuses everybody, and accepts them again
keeper.py     holds these together
api.py        HTTP, for the front door alone
"""
