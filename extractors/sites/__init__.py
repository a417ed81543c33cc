"""What single sites need, a small file each."""
