"""Where messages go: services that people read, programs, and topics."""
