"""The legit processor: settles what is legitimate, and sets aside what it cannot settle."""
