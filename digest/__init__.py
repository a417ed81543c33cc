"""What leaves the house by mail: select, render, send."""
