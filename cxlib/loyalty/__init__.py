"""What keeps customers coming back."""
