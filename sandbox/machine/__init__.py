"""What the sandbox uses of this machine: PostgreSQL's and Redis's binaries, an account, ports, an environment."""
