"""The schedule: plain steps, and one file a flow."""
