"""What every floor above stands on: the context of the page being written."""
