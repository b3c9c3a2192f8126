"""What has to be told to somebody outside: queued with what it tells of, and sent until it has arrived."""
