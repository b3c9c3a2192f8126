"""What the services agree on: topics, messages, headers, formats. Pure: no client, no clock, no environment."""
