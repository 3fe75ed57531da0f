"""Statistics on arrays: no page, no sentence and no topic is known here."""
