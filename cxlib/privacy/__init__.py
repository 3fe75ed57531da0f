"""What may not reach a reader: small cells, what pages tell of each other, personal data."""
