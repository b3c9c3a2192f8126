"""What all services share: contracts (what they agree on), runtime (how they live), operations (beside them)."""
