"""What is wanted of endpoints, and the decisions that get them there. Loads no model."""
