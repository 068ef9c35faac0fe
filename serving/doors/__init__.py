"""What every HTTP server of ours checks before it spends work on a request: headers, bodies, sockets, guesses of a token."""
