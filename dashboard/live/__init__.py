"""What flows through the topics, folded into what a page shows."""
