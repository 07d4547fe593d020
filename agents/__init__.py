"""Who decides: observation in, action out."""
