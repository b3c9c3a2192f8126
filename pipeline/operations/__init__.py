"""What people run beside the services. It reaches Kafka only through the runtime."""
