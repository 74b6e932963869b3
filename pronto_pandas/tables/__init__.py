"""Files of people: read as they are, and saved so that Excel opens them correctly."""
