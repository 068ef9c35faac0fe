"""What every HTTP server of ours checks before it spends work on a request: headers, body, connection, a WebSocket's origin."""
