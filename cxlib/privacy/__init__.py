"""What keeps people out of pages: personal data masked in text."""
