"""What this machine lends the sandbox: PostgreSQL's and Redis's binaries, an account, ports, an environment."""
