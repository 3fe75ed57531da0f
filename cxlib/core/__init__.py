"""What every other part of the package stands on; knows no topic."""
