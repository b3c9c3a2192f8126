"""What tests share: a broker, a deployment of their own on it, waiting for a state."""
