"""How a service follows the events of others: in order, without missing one."""
