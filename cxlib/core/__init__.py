"""What everything is made of: context, words, columns, errors, samples and results."""
