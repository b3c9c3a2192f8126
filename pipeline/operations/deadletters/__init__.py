"""Dead letters, for people: look at them, send them again, set a record aside, let a tripped service go on."""
