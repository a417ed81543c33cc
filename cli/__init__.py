"""The command `sholu`: a thin door to the steps."""
