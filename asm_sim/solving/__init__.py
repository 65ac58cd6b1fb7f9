"""The value of a parameter at which a target is met."""
