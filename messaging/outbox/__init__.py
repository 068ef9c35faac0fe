"""How a message leaves a service: appended in the transaction that causes it, read from the log, sent by the relay."""
