"""Cases: alerts about one subject, gathered in a database for people to look into."""
