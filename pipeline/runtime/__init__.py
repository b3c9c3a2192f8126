"""How a service lives: settings, clients, the exactly-once loop, signals, health, logs. No rule of the business."""
