"""Lists of people in files: read as they come, saved so that Excel opens them right."""
