"""`modelport rollout`: watch a rollout, and say what it is to do."""
