"""What every topic stands on: the page's rules, its sentences and the columns of results."""
